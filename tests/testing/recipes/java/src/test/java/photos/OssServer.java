package photos;

import com.aliyun.oss.ClientBuilderConfiguration;
import com.aliyun.oss.OSS;
import com.aliyun.oss.OSSClientBuilder;
import com.aliyun.oss.common.auth.DefaultCredentialProvider;
import com.aliyun.oss.common.comm.SignVersion;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** One coatcheck for a run of tests. It ends with this process. */
final class OssServer implements AutoCloseable {
    private final Process process;
    private final String line;
    private final HttpClient http = HttpClient.newHttpClient();

    OssServer() throws IOException {
        String program = System.getenv().getOrDefault("COATCHECK", "coatcheck");
        ProcessBuilder builder = new ProcessBuilder(program, "serve", "--ephemeral", "--test-controls");
        process = builder.redirectError(ProcessBuilder.Redirect.INHERIT).start();
        line = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8)).readLine();
        if (line == null) {
            throw new IOException("coatcheck doesn't start");
        }
    }

    /** A fact of the ready line, or of what a control tells: texts and numbers. */
    static String fact(String json, String name) {
        Matcher found = Pattern.compile("\"" + name + "\": \"?([^\",}]*)").matcher(json);
        if (!found.find()) {
            throw new IllegalArgumentException("no " + name + " in " + json);
        }
        return found.group(1);
    }

    String endpoint() {
        return fact(line, "endpoint");
    }

    /** Have a control do something; what it tells. */
    String ask(String control, String document) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(fact(line, "controls") + "/controls/" + control))
                .header("Content-Type", "application/json")
                .header("X-Coatcheck-Test-Token", fact(line, "token"))
                .POST(HttpRequest.BodyPublishers.ofString(document))
                .build();
        HttpResponse<String> reply = http.send(request, HttpResponse.BodyHandlers.ofString());
        if (reply.statusCode() != 200) {
            throw new IllegalArgumentException(fact(reply.body(), "error"));
        }
        return reply.body();
    }

    OSS client() {
        ClientBuilderConfiguration settings = new ClientBuilderConfiguration();
        settings.setSignatureVersion(SignVersion.V4);
        settings.setSLDEnabled(true);
        return OSSClientBuilder.create()
                .endpoint(endpoint())
                .region(fact(line, "region"))
                .credentialsProvider(new DefaultCredentialProvider(
                        fact(line, "access_key_id"), fact(line, "access_key_secret")))
                .clientConfiguration(settings)
                .build();
    }

    @Override
    public void close() {
        process.destroy();
    }
}
