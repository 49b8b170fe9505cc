import com.aliyun.oss.OSS;
import com.aliyun.oss.model.*;

/** Every method for what only the cloud has, and for fetches from elsewhere. Those for UDFs the SDK refuses itself. */
final class SessionOfTheCloud {
    private final OSS oss;
    private final String bucket;
    private final String route;

    SessionOfTheCloud(OSS noting, String bucket, String route) {
        this.oss = noting;
        this.bucket = bucket;
        this.route = route;
    }

    void run() {
        fetches();
        queries();
        functions();
        networks();
    }

    private void fetches() {
        AsyncFetchTaskConfiguration task = new AsyncFetchTaskConfiguration();
        SetAsyncFetchTaskResult begun =
                oss.setAsyncFetchTask(bucket, task.withUrl("http://a.invalid/a").withObjectName("fetched"));
        oss.getAsyncFetchTask(bucket, begun.getTaskId());
    }

    private void queries() {
        oss.openMetaQuery(bucket);
        oss.getMetaQueryStatus(bucket);
        oss.doMetaQuery(new DoMetaQueryRequest(
                bucket, 1, "{\"Field\": \"Size\", \"Value\": \"1\", \"Operation\": \"gt\"}", "Size"));
        oss.closeMetaQuery(bucket);
    }

    private void functions() {
        oss.writeGetObjectResponse(new WriteGetObjectResponseRequest(route, "t", 200, SessionOfObjects.body("")));
    }

    private void networks() {
        VpcPolicy network = new VpcPolicy();
        network.setRegion("cn-hangzhou");
        network.setVpcId("vpc-1");
        network.setVip("10.0.0.1");
        CreateVpcipRequest made = new CreateVpcipRequest();
        made.setRegion("cn-hangzhou");
        made.setVSwitchId("vsw-1");
        oss.createVpcip(made);
        oss.listVpcip();
        CreateBucketVpcipRequest bound = new CreateBucketVpcipRequest();
        bound.setBucketName(bucket);
        bound.setVpcPolicy(network);
        oss.createBucketVpcip(bound);
        oss.getBucketVpcip(new GenericRequest(bucket));
        DeleteBucketVpcipRequest unbound = new DeleteBucketVpcipRequest();
        unbound.setBucketName(bucket);
        unbound.setVpcPolicy(network);
        oss.deleteBucketVpcip(unbound);
        DeleteVpcipRequest gone = new DeleteVpcipRequest();
        gone.setVpcPolicy(network);
        oss.deleteVpcip(gone);
    }
}
