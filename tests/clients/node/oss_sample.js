// OSS's own Node sample for a V4 link, with nothing about this server in it: no endpoint, no port, no certificate.
const OSS = require('ali-oss');

const client = new OSS({
  accessKeyId: process.env.OSS_ACCESS_KEY_ID,
  accessKeySecret: process.env.OSS_ACCESS_KEY_SECRET,
  bucket: 'examplebucket',
  region: 'oss-cn-hangzhou',
  secure: true,
  authorizationV4: true,
});

async function generateSignatureUrl(fileName) {
  const signedUrl = await client.signatureUrlV4('GET', 3600, {
    headers: {},
  }, fileName);
  return signedUrl;
}

generateSignatureUrl('exampleobject.txt').then(url => {
  console.log('Generated URL:', url);
}).catch(err => {
  console.error('Error generating URL:', err);
});
