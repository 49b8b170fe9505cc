import com.aliyun.oss.ClientBuilderConfiguration;
import com.aliyun.oss.OSS;
import com.aliyun.oss.OSSClientBuilder;
import com.aliyun.oss.OSSException;
import com.aliyun.oss.common.auth.DefaultCredentialProvider;
import com.aliyun.oss.common.comm.SignVersion;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * One session with every method of OSS's Java SDK: SdkMethods ENDPOINT BUCKET NAMED_ENDPOINT ACCOUNT. Prints "methods"
 * TAB their names, and for each that was called NAME TAB "works" or the code of the refusal; the first refusal counts.
 */
public final class SdkMethods {
    private static final Map<String, String> ANSWERS = new TreeMap<>();

    public static void main(String[] arguments) throws Exception {
        OSS client = client(arguments[0]);
        OSS noting = (OSS) Proxy.newProxyInstance(
                SdkMethods.class.getClassLoader(),
                new Class<?>[] {OSS.class},
                (self, method, words) -> note(client, method, words));
        String bucket = arguments[1];
        new SessionOfObjects(noting, client, bucket).run();
        new SessionOfBuckets(noting, client, bucket, arguments[3]).run();
        new SessionOfTheCloud(noting, bucket, arguments[0].replace("http://", "")).run();
        Stream<String> names = Arrays.stream(OSS.class.getMethods()).map(Method::getName).distinct();
        System.out.println("methods\t" + names.collect(Collectors.joining(",")));
        ANSWERS.forEach((name, answer) -> System.out.println(name + "\t" + answer));
        client.shutdown();
    }

    private static OSS client(String endpoint) {
        ClientBuilderConfiguration configuration = new ClientBuilderConfiguration();
        configuration.setSignatureVersion(SignVersion.V4);
        configuration.setSLDEnabled(true);
        configuration.setMaxErrorRetry(0);
        return OSSClientBuilder.create()
                .endpoint(endpoint)
                .region("cn-hangzhou")
                .credentialsProvider(new DefaultCredentialProvider(
                        System.getenv("OSS_ACCESS_KEY_ID"), System.getenv("OSS_ACCESS_KEY_SECRET")))
                .clientConfiguration(configuration)
                .build();
    }

    private static String code(Throwable cause) {
        return cause instanceof OSSException
                ? ((OSSException) cause).getErrorCode()
                : cause.toString().replace("\n", " ");
    }

    /** The result, or null where it failed. */
    private static Object note(OSS client, Method method, Object[] words) throws IllegalAccessException {
        try {
            Object result = method.invoke(client, words);
            ANSWERS.putIfAbsent(method.getName(), "works");
            return result;
        } catch (InvocationTargetException failure) {
            Throwable cause = failure.getCause();
            ANSWERS.merge(method.getName(), code(cause), (known, now) -> known.equals("works") ? now : known);
            return method.getReturnType() == boolean.class ? Boolean.FALSE : null;
        }
    }
}
