import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** Hadoop's OSS file system: files written, listed, read in ranges, renamed, removed. */
public final class HadoopOss {
    public static void main(String[] arguments) throws Exception {
        Configuration settings = new Configuration();
        settings.set("fs.oss.impl", "org.apache.hadoop.fs.aliyun.oss.AliyunOSSFileSystem");
        settings.set("fs.oss.endpoint", System.getenv("OSS_ENDPOINT"));
        settings.set("fs.oss.connection.secure.enabled", "false");
        settings.set("fs.oss.accessKeyId", System.getenv("OSS_ACCESS_KEY_ID"));
        settings.set("fs.oss.accessKeySecret", System.getenv("OSS_ACCESS_KEY_SECRET"));
        Path root = new Path("oss://" + System.getenv("BUCKET") + "/");
        byte[] large = new byte[12 * 1024 * 1024];
        for (int at = 0; at < large.length; at++) {
            large[at] = (byte) (at >> 20);
        }
        try (FileSystem files = FileSystem.get(root.toUri(), settings)) {
            files.mkdirs(new Path(root, "in"));
            try (FSDataOutputStream out = files.create(new Path(root, "in/a.txt"))) {
                out.write("hello, wörld".getBytes(StandardCharsets.UTF_8));
            }
            try (FSDataOutputStream out = files.create(new Path(root, "in/large.bin"))) {
                out.write(large);
            }
            try (FSDataInputStream in = files.open(new Path(root, "in/large.bin"))) {
                in.seek(3 * 1024 * 1024 - 1);
                if (in.read() != 2 || in.read() != 3) {
                    throw new AssertionError("the range is another");
                }
            }
            if (!files.rename(new Path(root, "in"), new Path(root, "out"))) {
                throw new AssertionError("not renamed");
            }
            List<String> names = new ArrayList<>();
            for (FileStatus each : files.listStatus(new Path(root, "out"))) {
                names.add(each.getPath().getName() + " " + each.getLen());
            }
            System.out.println(names);
            files.delete(new Path(root, "out"), true);
            if (files.exists(new Path(root, "out/a.txt"))) {
                throw new AssertionError("not removed");
            }
        }
    }
}
