// A third party that was handed a link: node download.js URL FILE. Prints the status; a refusal's document goes to FILE too.
'use strict';

const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');

const [url, file] = process.argv.slice(2);

(url.startsWith('https:') ? https : http)
  .get(url, (reply) => {
    reply.pipe(fs.createWriteStream(file)).on('finish', () => console.log(reply.statusCode));
  })
  .on('error', (error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
