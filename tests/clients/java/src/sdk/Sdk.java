import com.aliyun.oss.ClientBuilderConfiguration;
import com.aliyun.oss.HttpMethod;
import com.aliyun.oss.OSS;
import com.aliyun.oss.OSSClientBuilder;
import com.aliyun.oss.OSSException;
import com.aliyun.oss.common.auth.DefaultCredentialProvider;
import com.aliyun.oss.common.comm.SignVersion;
import com.aliyun.oss.model.GeneratePresignedUrlRequest;
import com.aliyun.oss.model.OSSObject;
import com.aliyun.oss.model.OSSObjectSummary;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Date;

/**
 * OSS's own Java SDK, V4: Sdk ENDPOINT BUCKET NAMED_ENDPOINT CUSTOM_DOMAIN. Puts, gets and lists at the endpoint, an IP
 * address; signs links, which takes no network, for the other two. Prints NAME TAB VALUE.
 */
public final class Sdk {
    private static final String REGION = "cn-hangzhou";
    private static final String KEY = "java/ü 1+2 & 文.txt";

    public static void main(String[] arguments) throws IOException {
        String bucket = arguments[1];
        OSS client = client(arguments[0], false, true);
        OSS named = client(arguments[2], false, false);
        byte[] body = "hello from Java".getBytes(StandardCharsets.UTF_8);
        tell("put", client.putObject(bucket, KEY, new ByteArrayInputStream(body)).getETag());
        try (OSSObject found = client.getObject(bucket, KEY)) {
            tell("get", new String(found.getObjectContent().readAllBytes(), StandardCharsets.UTF_8));
        }
        StringBuilder keys = new StringBuilder();
        for (OSSObjectSummary summary : client.listObjectsV2(bucket, "java/").getObjectSummaries()) {
            keys.append(summary.getKey());
        }
        tell("list", keys.toString());
        try {
            client.getObject(bucket, "java/none");
        } catch (OSSException refusal) {
            tell("none", refusal.getErrorCode());
        }
        tell("link", link(named, bucket, null, null));
        tell("version", link(named, bucket, "null", null));
        tell("process", link(named, bucket, null, "image/info"));
        tell("domain", link(client(arguments[3], true, false), bucket, null, null));
        client.shutdown();
    }

    private static OSS client(String endpoint, boolean cname, boolean pathStyle) {
        ClientBuilderConfiguration configuration = new ClientBuilderConfiguration();
        configuration.setSignatureVersion(SignVersion.V4);
        configuration.setSupportCname(cname);
        configuration.setSLDEnabled(pathStyle);
        return OSSClientBuilder.create()
                .endpoint(endpoint)
                .region(REGION)
                .credentialsProvider(new DefaultCredentialProvider(
                        System.getenv("OSS_ACCESS_KEY_ID"), System.getenv("OSS_ACCESS_KEY_SECRET")))
                .clientConfiguration(configuration)
                .build();
    }

    private static String link(OSS client, String bucket, String versionId, String process) {
        GeneratePresignedUrlRequest request = new GeneratePresignedUrlRequest(bucket, KEY, HttpMethod.GET);
        request.setExpiration(new Date(System.currentTimeMillis() + 3_600_000));
        if (versionId != null) {
            request.addQueryParameter("versionId", versionId);
        }
        if (process != null) {
            request.setProcess(process);
        }
        return client.generatePresignedUrl(request).toString();
    }

    private static void tell(String name, String value) {
        System.out.println(name + "\t" + value);
    }
}
