import android.os.AsyncTask;
import java.io.BufferedInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URL;

/** The way an Android application downloads in the background and shows how far it is: AndroidDownload URL FILE. */
public final class AndroidDownload extends AsyncTask<String, Integer, String> {
    private int shown = -1;

    @Override
    protected String doInBackground(String... params) {
        HttpURLConnection connection = null;
        try {
            connection = (HttpURLConnection) new URL(params[0]).openConnection();
            connection.connect();
            int status = connection.getResponseCode();
            boolean refused = status != HttpURLConnection.HTTP_OK;
            long length = connection.getContentLengthLong();
            byte[] buffer = new byte[16 * 1024];
            long received = 0;
            try (InputStream in = new BufferedInputStream(refused ? connection.getErrorStream() : connection.getInputStream());
                    OutputStream out = new FileOutputStream(params[1])) {
                for (int count; (count = in.read(buffer)) != -1; ) {
                    out.write(buffer, 0, count);
                    received += count;
                    publishProgress((int) (received * 100 / Math.max(length, 1)));
                }
            }
            return String.valueOf(status);
        } catch (IOException failure) {
            return failure.toString();
        } finally {
            if (connection != null) {
                connection.disconnect();
            }
        }
    }

    @Override
    protected void onProgressUpdate(Integer... percent) {
        shown = percent[0];
    }

    @Override
    protected void onPostExecute(String result) {
        System.out.println(result + (shown == 100 ? "" : " without reaching the end"));
    }

    public static void main(String[] arguments) {
        new AndroidDownload().execute(arguments);
    }
}
