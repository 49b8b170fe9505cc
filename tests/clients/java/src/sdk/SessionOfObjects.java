import com.aliyun.oss.HttpMethod;
import com.aliyun.oss.OSS;
import com.aliyun.oss.model.*;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;

/** Every method for objects, uploads and links, each with arguments that make sense. */
final class SessionOfObjects {
    private final OSS oss;
    private final OSS quiet;
    private final String bucket;

    SessionOfObjects(OSS noting, OSS quiet, String bucket) {
        this.oss = noting;
        this.quiet = quiet;
        this.bucket = bucket;
    }

    void run() throws Exception {
        objects();
        attributes();
        pictures();
        tables();
        uploads();
        files();
        links();
        versions();
        ends();
    }

    static InputStream body(String text) {
        return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
    }

    private void objects() throws Exception {
        oss.putObject(bucket, "a.csv", body("a,b\n1,2\n"));
        oss.getObject(bucket, "a.csv").close();
        oss.headObject(bucket, "a.csv");
        oss.getObjectMetadata(bucket, "a.csv");
        oss.getSimplifiedObjectMeta(bucket, "a.csv");
        isTrue(oss.doesObjectExist(bucket, "a.csv"));
        oss.copyObject(bucket, "a.csv", bucket, "copy");
        oss.appendObject(new AppendObjectRequest(bucket, "log", body("one")).withPosition(0L));
        oss.listObjects(bucket);
        oss.listObjectsV2(bucket);
        oss.createDirectory(bucket, "folder");
        oss.renameObject(bucket, "copy", "renamed");
        oss.deleteDirectory(bucket, "folder");
    }

    private void attributes() {
        oss.setObjectAcl(bucket, "a.csv", CannedAccessControlList.Private);
        oss.getObjectAcl(bucket, "a.csv");
        oss.setObjectTagging(bucket, "a.csv", Map.of("k", "v"));
        oss.getObjectTagging(bucket, "a.csv");
        oss.deleteObjectTagging(bucket, "a.csv");
        oss.createSymlink(bucket, "link", "a.csv");
        oss.getSymlink(bucket, "link");
        ObjectMetadata archived = new ObjectMetadata();
        archived.setHeader("x-oss-storage-class", "ColdArchive");
        quiet.putObject(bucket, "old", body("x"), archived);
        oss.restoreObject(bucket, "old", new RestoreConfiguration(1));
    }

    private void pictures() throws Exception {
        ByteArrayOutputStream picture = new ByteArrayOutputStream();
        ImageIO.write(new BufferedImage(1, 1, BufferedImage.TYPE_INT_RGB), "png", picture);
        quiet.putObject(bucket, "a.png", new ByteArrayInputStream(picture.toByteArray()));
        String place = Base64.getUrlEncoder().withoutPadding().encodeToString(bucket.getBytes());
        String process = "image/resize,w_10|sys/saveas,o_b3V0LnBuZw,b_" + place;
        oss.processObject(new ProcessObjectRequest(bucket, "a.png", process));
        oss.asyncProcessObject(new AsyncProcessObjectRequest(bucket, "a.png", process));
    }

    private void tables() throws Exception {
        CSVFormat csv = new CSVFormat().withHeaderInfo(CSVFormat.Header.Use).withRecordDelimiter("\n");
        InputSerialization input = new InputSerialization().withCsvInputFormat(csv);
        CreateSelectObjectMetadataRequest counted = new CreateSelectObjectMetadataRequest(bucket, "a.csv");
        oss.createSelectObjectMetadata(counted.withInputSerialization(input));
        SelectObjectRequest asked = new SelectObjectRequest(bucket, "a.csv").withExpression("select * from ossobject");
        asked.setInputSerialization(input);
        asked.setOutputSerialization(new OutputSerialization().withCsvOutputFormat(new CSVFormat()));
        try (OSSObject found = oss.selectObject(asked)) {
            isTrue(new String(found.getObjectContent().readAllBytes()).equals("1,2\n"));
        }
    }

    private void uploads() {
        String upload = oss.initiateMultipartUpload(new InitiateMultipartUploadRequest(bucket, "parts")).getUploadId();
        List<PartETag> parts = new ArrayList<>();
        ByteArrayInputStream body = new ByteArrayInputStream(new byte[110_000]);
        UploadPartRequest part = new UploadPartRequest(bucket, "parts", upload, 1, body, 110_000);
        parts.add(oss.uploadPart(part).getPartETag());
        UploadPartCopyRequest copied = new UploadPartCopyRequest(bucket, "a.csv", bucket, "parts", upload, 2, 0L, 8L);
        parts.add(oss.uploadPartCopy(copied).getPartETag());
        oss.listParts(new ListPartsRequest(bucket, "parts", upload));
        oss.listMultipartUploads(new ListMultipartUploadsRequest(bucket));
        oss.completeMultipartUpload(new CompleteMultipartUploadRequest(bucket, "parts", upload, parts));
        String other = quiet.initiateMultipartUpload(new InitiateMultipartUploadRequest(bucket, "parts")).getUploadId();
        oss.abortMultipartUpload(new AbortMultipartUploadRequest(bucket, "parts", other));
    }

    private void files() throws Exception {
        Path folder = Files.createTempDirectory("methods");
        File file = folder.resolve("file").toFile();
        Files.writeString(file.toPath(), "from a file");
        try {
            oss.uploadFile(new UploadFileRequest(bucket, "file", file.getPath(), 102_400, 1));
            oss.downloadFile(new DownloadFileRequest(bucket, "file", file.getPath(), 102_400));
        } catch (Throwable failure) { // these two may throw anything
            throw new IllegalStateException(failure);
        }
        isTrue(Files.readString(file.toPath()).equals("from a file"));
        Files.delete(file.toPath());
        Files.delete(folder);
    }

    private void links() throws Exception {
        Date later = new Date(System.currentTimeMillis() + 60_000);
        oss.getObject(oss.generatePresignedUrl(bucket, "a.csv", later), Map.of()).close();
        oss.putObject(oss.generatePresignedUrl(bucket, "linked", later, HttpMethod.PUT), body("x"), 1, new HashMap<>());
        oss.generatePostPolicy(later, new PolicyConditions());
        oss.calculatePostSignature("{}", later);
    }

    private void versions() {
        String versioned = bucket + "-v";
        quiet.createBucket(versioned);
        BucketVersioningConfiguration enabled = new BucketVersioningConfiguration("Enabled");
        oss.setBucketVersioning(new SetBucketVersioningRequest(versioned, enabled));
        oss.getBucketVersioning(versioned);
        String first = quiet.putObject(versioned, "a", body("1")).getVersionId();
        String second = quiet.putObject(versioned, "a", body("2")).getVersionId();
        oss.listVersions(versioned, "");
        oss.deleteVersion(versioned, "a", first);
        DeleteVersionsRequest.KeyVersion other = new DeleteVersionsRequest.KeyVersion("a", second);
        oss.deleteVersions(new DeleteVersionsRequest(versioned).withKeys(List.of(other)));
    }

    private void ends() {
        oss.deleteObject(bucket, "renamed");
        oss.deleteObjects(new DeleteObjectsRequest(bucket).withKeys(List.of("link")));
    }

    private static void isTrue(boolean holds) {
        if (!holds) {
            throw new IllegalStateException("not so");
        }
    }
}
