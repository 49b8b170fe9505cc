import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.StandardCopyOption;

/** A third party that was handed a link: Download URL FILE. Prints the status; a refusal's document goes to FILE too. */
public final class Download {
    public static void main(String[] arguments) throws IOException {
        HttpURLConnection connection = (HttpURLConnection) new URL(arguments[0]).openConnection();
        connection.setConnectTimeout(20_000);
        connection.setReadTimeout(20_000);
        int status = connection.getResponseCode();
        Path file = Paths.get(arguments[1]);
        try (InputStream body = status < 400 ? connection.getInputStream() : connection.getErrorStream()) {
            Files.copy(body, file, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            connection.disconnect();
        }
        System.out.println(status);
    }
}
