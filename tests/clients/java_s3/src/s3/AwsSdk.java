import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.net.URI;
import java.net.URL;
import java.net.HttpURLConnection;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.stream.Collectors;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;
import software.amazon.awssdk.core.interceptor.SdkExecutionAttribute;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3Configuration;
import software.amazon.awssdk.services.s3.model.*;
import software.amazon.awssdk.services.s3.presigner.S3Presigner;

/**
 * The AWS SDK for Java v2, unmodified, on S3's side of the server: AwsSdk ENDPOINT BUCKET SHARED. Over plain HTTP its bodies go in
 * signed chunks with a signed trailer. Prints NAME TAB VALUE; the expected values are in test_s3_sdks.py. Keys:
 * OSS_ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET.
 */
public final class AwsSdk {
    private static final String KEY = "dir one/k+1 ü";
    private static final byte[] LARGE = "coat check ".repeat(1024 * 1024).getBytes(StandardCharsets.UTF_8);
    private static final Set<String> CALLED = new ConcurrentSkipListSet<>();

    private final String endpoint;
    private final String bucket;
    private final S3Client client;

    private AwsSdk(String endpoint, String bucket) {
        this.endpoint = endpoint;
        this.bucket = bucket;
        this.client = newClient(System.getenv("OSS_ACCESS_KEY_SECRET"));
    }

    public static void main(String[] words) throws Exception {
        AwsSdk sdk = new AwsSdk(words[0], words[1]);
        sdk.buckets();
        sdk.objects();
        sdk.checksums();
        sdk.parts();
        sdk.copies();
        sdk.lists();
        sdk.tags();
        sdk.conditions();
        sdk.versions();
        sdk.links();
        sdk.refusals();
        sdk.deletes();
        new AwsSdk(words[0], words[2]).shared();
        tell("operations", CALLED.size());
    }

    private static StaticCredentialsProvider keys(String secret) {
        return StaticCredentialsProvider.create(AwsBasicCredentials.create(System.getenv("OSS_ACCESS_KEY_ID"), secret));
    }

    private S3Client newClient(String secret) {
        return S3Client.builder()
            .endpointOverride(URI.create(endpoint))
            .region(Region.US_EAST_1)
            .forcePathStyle(true)
            .credentialsProvider(keys(secret))
            .httpClient(UrlConnectionHttpClient.create())
            .overrideConfiguration(config -> config.addExecutionInterceptor(new Counter()))
            .build();
    }

    private static final class Counter implements ExecutionInterceptor {
        @Override
        public void beforeExecution(Context.BeforeExecution context, ExecutionAttributes attributes) {
            CALLED.add(attributes.getAttribute(SdkExecutionAttribute.OPERATION_NAME));
        }
    }

    private void buckets() {
        client.createBucket(to -> to.bucket(bucket));
        tell("again", refusal(() -> client.createBucket(to -> to.bucket(bucket))));
        tell("region", client.headBucket(to -> to.bucket(bucket)).bucketRegion());
        tell("location", client.getBucketLocation(to -> to.bucket(bucket)).locationConstraintAsString());
        tell("listed", client.listBucketsPaginator().buckets().stream().anyMatch(one -> one.name().equals(bucket)));
    }

    private void objects() {
        PutObjectResponse stored = client.putObject(
            to -> to.bucket(bucket).key(KEY).contentType("text/plain").metadata(Map.of("colour", "green")).tagging("a=b&c=d+e"),
            RequestBody.fromString("hello"));
        tell("put", stored.eTag(), stored.checksumCRC32(), stored.checksumTypeAsString());
        var got = client.getObjectAsBytes(from -> from.bucket(bucket).key(KEY));
        GetObjectResponse about = got.response();
        tell("get", got.asUtf8String(), about.metadata(), about.contentType(), about.tagCount(), about.checksumCRC32());
        var part = client.getObjectAsBytes(from -> from.bucket(bucket).key(KEY).range("bytes=1-2"));
        tell("range", part.asUtf8String(), part.response().contentRange());
        HeadObjectResponse head = client.headObject(of -> of.bucket(bucket).key(KEY));
        tell("head", head.contentLength(), head.eTag().equals(stored.eTag()));
        tell("unchanged", refusal(() -> client.getObject(from -> from.bucket(bucket).key(KEY).ifNoneMatch(stored.eTag()))));
        tell("waited", client.waiter().waitUntilObjectExists(of -> of.bucket(bucket).key(KEY)).matched().response().isPresent());
    }

    private void checksums() {
        for (ChecksumAlgorithm algorithm : List.of(
            ChecksumAlgorithm.CRC32, ChecksumAlgorithm.CRC32_C, ChecksumAlgorithm.SHA1, ChecksumAlgorithm.SHA256)) {
            InputStream body = new ByteArrayInputStream("hello".getBytes(StandardCharsets.UTF_8));
            PutObjectResponse stored = client.putObject(
                to -> to.bucket(bucket).key("sum").checksumAlgorithm(algorithm).contentEncoding("gzip"), RequestBody.fromInputStream(body, 5));
            HeadObjectResponse head = client.headObject(of -> of.bucket(bucket).key("sum").checksumMode(ChecksumMode.ENABLED));
            String kept = String.join("", Arrays.asList(
                head.checksumCRC32(), head.checksumCRC32C(), head.checksumCRC64NVME(), head.checksumSHA1(), head.checksumSHA256())
                .stream().filter(one -> one != null).collect(Collectors.toList()));
            tell(algorithm.toString(), kept, head.contentEncoding());
        }
    }

    private void parts() {
        String key = "large";
        String id = client.createMultipartUpload(of -> of.bucket(bucket).key(key).checksumAlgorithm(ChecksumAlgorithm.CRC32)).uploadId();
        List<CompletedPart> parts = new ArrayList<>();
        int size = 5 << 20;
        for (int number = 1; (number - 1) * size < LARGE.length; number++) {
            int at = number;
            byte[] piece = Arrays.copyOfRange(LARGE, (at - 1) * size, Math.min(at * size, LARGE.length));
            UploadPartResponse part = client.uploadPart(
                of -> of.bucket(bucket).key(key).uploadId(id).partNumber(at).checksumAlgorithm(ChecksumAlgorithm.CRC32), RequestBody.fromBytes(piece));
            parts.add(CompletedPart.builder().partNumber(at).eTag(part.eTag()).checksumCRC32(part.checksumCRC32()).build());
        }
        UploadPartCopyResponse copied = client.uploadPartCopy(
            of -> of.sourceBucket(bucket).sourceKey(KEY).destinationBucket(bucket).destinationKey(key).uploadId(id).partNumber(4));
        parts.add(CompletedPart.builder().partNumber(4).eTag(copied.copyPartResult().eTag()).checksumCRC32(copied.copyPartResult().checksumCRC32()).build());
        tell("parts", client.listParts(of -> of.bucket(bucket).key(key).uploadId(id)).parts().size(),
            client.listMultipartUploads(of -> of.bucket(bucket)).uploads().size());
        CompleteMultipartUploadResponse done = client.completeMultipartUpload(
            of -> of.bucket(bucket).key(key).uploadId(id).multipartUpload(with -> with.parts(parts)));
        GetObjectAttributesResponse attributes = client.getObjectAttributes(
            of -> of.bucket(bucket).key(key).objectAttributes(ObjectAttributes.OBJECT_PARTS, ObjectAttributes.OBJECT_SIZE));
        tell("completed", done.checksumCRC32().endsWith("-4"), done.checksumTypeAsString(), attributes.objectSize(), attributes.objectParts().totalPartsCount());
        byte[] got = client.getObjectAsBytes(from -> from.bucket(bucket).key(key)).asByteArray();
        tell("same", Arrays.equals(Arrays.copyOf(got, LARGE.length), LARGE), got.length);
        String aborted = client.createMultipartUpload(of -> of.bucket(bucket).key("aborted")).uploadId();
        client.abortMultipartUpload(of -> of.bucket(bucket).key("aborted").uploadId(aborted));
        tell("aborted", refusal(() -> client.listParts(of -> of.bucket(bucket).key("aborted").uploadId(aborted))));
    }

    private void copies() {
        CopyObjectResponse copied = client.copyObject(
            of -> of.sourceBucket(bucket).sourceKey(KEY).destinationBucket(bucket).destinationKey("copy & ü"));
        client.copyObject(of -> of.sourceBucket(bucket).sourceKey(KEY).destinationBucket(bucket).destinationKey("replaced")
            .metadataDirective(MetadataDirective.REPLACE).metadata(Map.of("colour", "red")));
        tell("copy", copied.copyObjectResult().eTag(), client.headObject(of -> of.bucket(bucket).key("replaced")).metadata());
    }

    private void lists() {
        for (String letter : "a b c d e f g".split(" ")) {
            put("list/" + letter + " &<ü+", "");
        }
        List<String> sizes = new ArrayList<>();
        Set<String> keys = new TreeSet<>();
        for (ListObjectsV2Response page : client.listObjectsV2Paginator(of -> of.bucket(bucket).prefix("list/").maxKeys(3))) {
            sizes.add(String.valueOf(page.contents().size()));
            page.contents().forEach(object -> keys.add(object.key()));
        }
        ListObjectsResponse old = client.listObjects(of -> of.bucket(bucket).delimiter("/"));
        tell("lists", String.join("+", sizes), keys.size(), keys.contains("list/g &<ü+"), old.commonPrefixes().size());
    }

    private void tags() {
        Tag tag = Tag.builder().key("owner").value("a@example.com").build();
        client.putObjectTagging(of -> of.bucket(bucket).key(KEY).tagging(with -> with.tagSet(tag)));
        List<Tag> got = client.getObjectTagging(of -> of.bucket(bucket).key(KEY)).tagSet();
        client.deleteObjectTagging(of -> of.bucket(bucket).key(KEY));
        client.putBucketTagging(of -> of.bucket(bucket).tagging(with -> with.tagSet(tag)));
        boolean same = client.getBucketTagging(of -> of.bucket(bucket)).tagSet().equals(got);
        client.deleteBucketTagging(of -> of.bucket(bucket));
        tell("tags", got.get(0).value(), same, refusal(() -> client.getBucketTagging(of -> of.bucket(bucket))));
    }

    private void conditions() {
        String first = client.putObject(to -> to.bucket(bucket).key("lock").ifNoneMatch("*"), RequestBody.fromString("mine")).eTag();
        tell("taken", refusal(() -> client.putObject(to -> to.bucket(bucket).key("lock").ifNoneMatch("*"), RequestBody.fromString("x"))));
        client.putObject(to -> to.bucket(bucket).key("lock").ifMatch(first), RequestBody.fromString("new"));
        tell("changed", refusal(() -> client.putObject(to -> to.bucket(bucket).key("lock").ifMatch(first), RequestBody.fromString("x"))));
        tell("absent", refusal(() -> client.putObject(to -> to.bucket(bucket).key("no lock").ifMatch(first), RequestBody.fromString("x"))));
        tell("kept", refusal(() -> client.deleteObject(to -> to.bucket(bucket).key("lock").ifMatch(first))));
    }

    private void versions() {
        client.putBucketVersioning(of -> of.bucket(bucket).versioningConfiguration(with -> with.status(BucketVersioningStatus.ENABLED)));
        String first = put("v", "1").versionId();
        put("v", "2");
        DeleteObjectResponse gone = client.deleteObject(of -> of.bucket(bucket).key("v"));
        String pinned = client.getObjectAsBytes(from -> from.bucket(bucket).key("v").versionId(first)).asUtf8String();
        tell("versions", client.getBucketVersioning(of -> of.bucket(bucket)).statusAsString(), pinned, gone.deleteMarker(),
            refusal(() -> client.getObject(from -> from.bucket(bucket).key("v").versionId(gone.versionId()))));
    }

    private void links() throws Exception {
        try (S3Presigner presigner = S3Presigner.builder()
            .endpointOverride(URI.create(endpoint)).region(Region.US_EAST_1).credentialsProvider(keys(System.getenv("OSS_ACCESS_KEY_SECRET")))
            .serviceConfiguration(S3Configuration.builder().pathStyleAccessEnabled(true).build()).build()) {
            URL get = presigner.presignGetObject(of -> of.signatureDuration(Duration.ofMinutes(10))
                .getObjectRequest(from -> from.bucket(bucket).key(KEY).responseContentType("text/x-other"))).url();
            HttpURLConnection reply = open(get, "GET", Map.of());
            tell("get link", reply.getResponseCode(), reply.getContentType(), text(reply));
            var put = presigner.presignPutObject(of -> of.signatureDuration(Duration.ofMinutes(10))
                .putObjectRequest(to -> to.bucket(bucket).key("by link").contentType("text/x-link").metadata(Map.of("colour", "blue"))));
            tell("signed headers", new TreeSet<>(put.signedHeaders().keySet()), put.isBrowserExecutable());
            tell("put link", send(put.url(), put.signedHeaders(), "by link"), send(put.url(), Map.of(), "by link"));
            HeadObjectResponse head = client.headObject(of -> of.bucket(bucket).key("by link"));
            tell("put by link", head.contentType(), head.metadata());
            String id = client.createMultipartUpload(of -> of.bucket(bucket).key("by links")).uploadId();
            URL part = presigner.presignUploadPart(of -> of.signatureDuration(Duration.ofMinutes(10))
                .uploadPartRequest(to -> to.bucket(bucket).key("by links").uploadId(id).partNumber(1))).url();
            URL delete = presigner.presignDeleteObject(of -> of.signatureDuration(Duration.ofMinutes(10))
                .deleteObjectRequest(from -> from.bucket(bucket).key("by link"))).url();
            tell("other links", send(part, Map.of(), "part"), open(delete, "DELETE", Map.of()).getResponseCode());
            client.abortMultipartUpload(of -> of.bucket(bucket).key("by links").uploadId(id));
        }
    }

    private static int send(URL link, Map<String, List<String>> headers, String body) throws Exception {
        HttpURLConnection connection = open(link, "PUT", headers);
        connection.setDoOutput(true);
        connection.getOutputStream().write(body.getBytes(StandardCharsets.UTF_8));
        return connection.getResponseCode();
    }

    private static HttpURLConnection open(URL link, String method, Map<String, List<String>> headers) throws Exception {
        HttpURLConnection connection = (HttpURLConnection) link.openConnection();
        connection.setRequestMethod(method);
        headers.forEach((name, values) -> connection.setRequestProperty(name, values.get(0)));
        return connection;
    }

    private static String text(HttpURLConnection reply) throws Exception {
        return new String(reply.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }

    private void refusals() {
        tell("no key", refusal(() -> client.getObject(from -> from.bucket(bucket).key("none"))));
        tell("no head", refusal(() -> client.headObject(of -> of.bucket(bucket).key("none"))));
        tell("no bucket", refusal(() -> client.listObjectsV2(of -> of.bucket("not-there-at-all"))));
        tell("no range", refusal(() -> client.getObject(from -> from.bucket(bucket).key("lock").range("bytes=99-"))));
        tell("bad digest", refusal(() -> client.putObject(to -> to.bucket(bucket).key("bad").checksumCRC32("AAAAAA=="), RequestBody.fromString("x"))));
        tell("bad secret", refusal(() -> newClient("wrong").listBuckets()));
        tell("full", refusal(() -> client.deleteBucket(of -> of.bucket(bucket))));
    }

    private void deletes() {
        int left = 0;
        for (ListObjectVersionsResponse page : client.listObjectVersionsPaginator(of -> of.bucket(bucket).maxKeys(5))) {
            List<ObjectIdentifier> found = new ArrayList<>();
            page.versions().forEach(one -> found.add(ObjectIdentifier.builder().key(one.key()).versionId(one.versionId()).build()));
            page.deleteMarkers().forEach(one -> found.add(ObjectIdentifier.builder().key(one.key()).versionId(one.versionId()).build()));
            left += found.size() - client.deleteObjects(of -> of.bucket(bucket).delete(with -> with.objects(found))).deleted().size();
        }
        tell("deleted", left, refusal(() -> client.deleteBucket(of -> of.bucket(bucket))));
    }

    /** In a bucket of OSS's: what was put there is read, and something is put. */
    private void shared() {
        var got = client.getObjectAsBytes(from -> from.bucket(bucket).key(KEY));
        tell("shared", got.asUtf8String(), got.response().metadata().get("colour"));
        client.putObject(to -> to.bucket(bucket).key("back").metadata(Map.of("colour", "green")), RequestBody.fromString("from S3"));
    }

    private PutObjectResponse put(String key, String content) {
        return client.putObject(to -> to.bucket(bucket).key(key), RequestBody.fromString(content));
    }

    private static String refusal(Runnable call) {
        try {
            call.run();
            return "none";
        } catch (AwsServiceException refused) {
            String code = refused.awsErrorDetails().errorCode();
            return refused.statusCode() + " " + (code == null ? refused.getClass().getSimpleName() : code);
        }
    }

    private static void tell(String name, Object... values) {
        System.out.println(name + "\t" + Arrays.stream(values).map(String::valueOf).collect(Collectors.joining(" ")));
    }
}
