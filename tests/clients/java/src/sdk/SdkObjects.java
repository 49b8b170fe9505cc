import com.aliyun.oss.ClientBuilderConfiguration;
import com.aliyun.oss.OSS;
import com.aliyun.oss.OSSClientBuilder;
import com.aliyun.oss.OSSException;
import com.aliyun.oss.common.auth.DefaultCredentialProvider;
import com.aliyun.oss.common.comm.SignVersion;
import com.aliyun.oss.model.AppendObjectRequest;
import com.aliyun.oss.model.BucketVersioningConfiguration;
import com.aliyun.oss.model.CompleteMultipartUploadRequest;
import com.aliyun.oss.model.GenericRequest;
import com.aliyun.oss.model.GetObjectRequest;
import com.aliyun.oss.model.InitiateMultipartUploadRequest;
import com.aliyun.oss.model.ListMultipartUploadsRequest;
import com.aliyun.oss.model.ListPartsRequest;
import com.aliyun.oss.model.OSSObject;
import com.aliyun.oss.model.OSSVersionSummary;
import com.aliyun.oss.model.PartETag;
import com.aliyun.oss.model.SetBucketVersioningRequest;
import com.aliyun.oss.model.UploadFileRequest;
import com.aliyun.oss.model.UploadPartCopyRequest;
import com.aliyun.oss.model.UploadPartRequest;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** OSS's own Java SDK over parts, copies, appends, links, tags and versions: SdkObjects ENDPOINT BUCKET. */
public final class SdkObjects {
    private static final byte[] CONTENT = "coat check ".repeat(50_000).getBytes(StandardCharsets.UTF_8);

    private static OSS client;
    private static String bucket;

    public static void main(String[] arguments) throws Throwable {
        ClientBuilderConfiguration configuration = new ClientBuilderConfiguration();
        configuration.setSignatureVersion(SignVersion.V4);
        configuration.setSLDEnabled(true);
        client = OSSClientBuilder.create()
                .endpoint(arguments[0])
                .region("cn-hangzhou")
                .credentialsProvider(new DefaultCredentialProvider(
                        System.getenv("OSS_ACCESS_KEY_ID"), System.getenv("OSS_ACCESS_KEY_SECRET")))
                .clientConfiguration(configuration)
                .build();
        bucket = arguments[1];
        parts();
        resumable();
        others();
        versions();
        client.shutdown();
    }

    private static void parts() throws IOException {
        String key = "multi/ü";
        String uploadId = client.initiateMultipartUpload(new InitiateMultipartUploadRequest(bucket, key)).getUploadId();
        List<PartETag> etags = new ArrayList<>();
        byte[] first = Arrays.copyOf(CONTENT, 200_000);
        etags.add(client.uploadPart(new UploadPartRequest(
                bucket, key, uploadId, 1, new ByteArrayInputStream(first), first.length)).getPartETag());
        put("source", CONTENT);
        UploadPartCopyRequest rest = new UploadPartCopyRequest(
                bucket, "source", bucket, key, uploadId, 2, 200_000L, (long) CONTENT.length - 200_000);
        etags.add(client.uploadPartCopy(rest).getPartETag());
        tell("parts", client.listParts(new ListPartsRequest(bucket, key, uploadId)).getParts().size());
        tell("uploads", client.listMultipartUploads(new ListMultipartUploadsRequest(bucket))
                .getMultipartUploads().size());
        client.completeMultipartUpload(new CompleteMultipartUploadRequest(bucket, key, uploadId, etags));
        tell("upload", Arrays.equals(read(key, null), CONTENT));
        client.copyObject(bucket, key, bucket, "copy");
        tell("copy", Arrays.equals(read("copy", null), CONTENT));
    }

    private static void resumable() throws Throwable {
        Path file = Files.createTempFile("coatcheck", ".bin");
        try {
            Files.write(file, CONTENT);
            UploadFileRequest request = new UploadFileRequest(bucket, "resumable");
            request.setUploadFile(file.toString());
            request.setPartSize(100 * 1024);
            request.setTaskNum(3);
            request.setEnableCheckpoint(true);
            client.uploadFile(request);
            tell("resumable", Arrays.equals(read("resumable", null), CONTENT));
        } finally {
            Files.delete(file);
        }
    }

    private static void others() throws IOException {
        long position = 0;
        for (String line : List.of("one|", "two|")) {
            AppendObjectRequest request = new AppendObjectRequest(
                    bucket, "log", new ByteArrayInputStream(line.getBytes(StandardCharsets.UTF_8)));
            request.setPosition(position);
            position = client.appendObject(request).getNextPosition();
        }
        tell("append", new String(read("log", null), StandardCharsets.UTF_8));
        client.createSymlink(bucket, "link", "log");
        tell("link", client.getSymlink(bucket, "link").getTarget());
        client.setObjectTagging(bucket, "log", Map.of("colour", "red"));
        tell("tag", client.getObjectTagging(bucket, "log").getTag("colour"));
    }

    private static void versions() throws IOException {
        client.setBucketVersioning(new SetBucketVersioningRequest(
                bucket, new BucketVersioningConfiguration(BucketVersioningConfiguration.ENABLED)));
        String first = put("v", new byte[] {'1'});
        put("v", new byte[] {'2'});
        client.deleteObject(bucket, "v");
        tell("pinned", new String(read("v", first), StandardCharsets.UTF_8));
        int markers = 0;
        int found = 0;
        for (OSSVersionSummary summary : client.listVersions(bucket, "v").getVersionSummaries()) {
            if (summary.isDeleteMarker()) {
                markers++;
            } else {
                found++;
            }
        }
        tell("listed", found + " " + markers);
        client.deleteVersion(bucket, "v", first);
        try {
            client.getObjectMetadata(new GenericRequest(bucket, "v", first));
        } catch (OSSException refusal) {
            tell("refused", refusal.getErrorCode());
        }
    }

    private static String put(String key, byte[] body) {
        return client.putObject(bucket, key, new ByteArrayInputStream(body)).getVersionId();
    }

    private static byte[] read(String key, String versionId) throws IOException {
        GetObjectRequest request = new GetObjectRequest(bucket, key);
        if (versionId != null) {
            request.setVersionId(versionId);
        }
        try (OSSObject found = client.getObject(request)) {
            return found.getObjectContent().readAllBytes();
        }
    }

    private static void tell(String name, Object value) {
        System.out.println(name + "\t" + value);
    }
}
