package photos;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.aliyun.oss.ClientException;
import com.aliyun.oss.OSS;
import com.aliyun.oss.OSSException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URL;
import java.util.Date;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PhotosTest {
    private static OssServer oss;
    private OSS client;

    @BeforeAll
    static void start() throws IOException {
        oss = new OssServer();
    }

    @AfterAll
    static void stop() {
        oss.close();
    }

    @BeforeEach
    void empty() throws Exception {
        oss.ask("reset", "{}");
        oss.ask("bucket", "{\"name\": \"photos\"}");
        client = oss.client();
    }

    private void put() {
        client.putObject("photos", "a.txt", new ByteArrayInputStream("hello".getBytes()));
    }

    private String get() throws IOException {
        return new String(client.getObject("photos", "a.txt").getObjectContent().readAllBytes());
    }

    @Test
    void putsAndGets() throws IOException {
        put();
        assertEquals("hello", get());
    }

    @Test
    void linksEnd() throws Exception {
        put();
        URL link = client.generatePresignedUrl("photos", "a.txt", new Date(System.currentTimeMillis() + 3_600_000));
        assertEquals(200, ((HttpURLConnection) link.openConnection()).getResponseCode());
        oss.ask("clock-move", "{\"seconds\": 7200}");
        assertEquals(403, ((HttpURLConnection) link.openConnection()).getResponseCode());
    }

    @Test
    void aBusyServiceIsAskedAgain() throws Exception {
        put();
        String fault = oss.ask("fault", "{\"operation\": \"GetObject\", \"code\": \"SlowDown\", \"times\": 2}");
        assertEquals("hello", get());
        String ended = oss.ask("fault-remove", "{\"id\": " + OssServer.fact(fault, "id") + "}");
        assertEquals("2", OssServer.fact(ended, "hit"));
    }

    @Test
    void aCodeOfTheTable() throws Exception {
        oss.ask("fault", "{\"operation\": \"PutObject\", \"code\": \"AccessDenied\"}");
        OSSException refused = assertThrows(OSSException.class, this::put);
        assertEquals("AccessDenied", refused.getErrorCode());
    }

    @Test
    void aConnectionThatEndsWithoutAnAnswer() throws Exception {
        oss.ask("fault", "{\"operation\": \"PutObject\", \"reset\": true}");
        assertThrows(ClientException.class, this::put);
        assertEquals("4", OssServer.fact(oss.ask("faults", "{}"), "hit"));
    }
}
