import com.aliyun.oss.HttpMethod;
import com.aliyun.oss.OSS;
import com.aliyun.oss.model.*;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;

/** Every method for buckets and what they are told, each with arguments that make sense. */
final class SessionOfBuckets {
    private static final String POLICY = "{\"Version\": \"1\", \"Statement\": [{\"Effect\": \"Deny\", \"Action\":"
            + " [\"oss:PutObject\"], \"Principal\": [\"1\"], \"Resource\": [\"acs:oss:*:*:*\"]}]}";

    private final OSS oss;
    private final OSS quiet;
    private final String bucket;
    private final String other;
    private final String account;

    SessionOfBuckets(OSS noting, OSS quiet, String bucket, String account) {
        this.oss = noting;
        this.quiet = quiet;
        this.bucket = bucket;
        this.other = bucket + "-t";
        this.account = account;
    }

    void run() {
        buckets();
        rules();
        switches();
        limits();
        policies();
        accessPoints();
        pictures();
        inventory();
        replication();
        worm();
        names();
        channels();
    }

    private void buckets() {
        oss.createBucket(other);
        oss.createBucket(bucket + "-e");
        oss.deleteBucket(bucket + "-e");
        oss.listBuckets();
        oss.doesBucketExist(bucket);
        oss.getBucketInfo(bucket);
        oss.getBucketMetadata(bucket);
        oss.getBucketLocation(bucket);
        oss.getBucketStat(bucket);
        oss.setBucketAcl(bucket, CannedAccessControlList.Private);
        oss.getBucketAcl(bucket);
        oss.describeRegions(new DescribeRegionsRequest());
    }

    private void rules() {
        SetBucketCORSRequest.CORSRule rule = new SetBucketCORSRequest.CORSRule();
        rule.addAllowdOrigin("*");
        rule.addAllowedMethod("GET");
        SetBucketCORSRequest cors = new SetBucketCORSRequest(bucket);
        cors.addCorsRule(rule);
        oss.setBucketCORS(cors);
        oss.getBucketCORS(new GenericRequest(bucket));
        oss.getBucketCORSRules(bucket);
        OptionsRequest asked = new OptionsRequest(bucket, "a.csv").withOrigin("https://a.example");
        oss.optionsObject(asked.withRequestMethod(HttpMethod.GET));
        oss.deleteBucketCORSRules(bucket);

        SetBucketLifecycleRequest lifecycle = new SetBucketLifecycleRequest(bucket);
        lifecycle.AddLifecycleRule(new LifecycleRule("r", "old/", LifecycleRule.RuleStatus.Enabled, 9));
        oss.setBucketLifecycle(lifecycle);
        oss.getBucketLifecycle(bucket);
        oss.deleteBucketLifecycle(bucket);

        SetBucketLoggingRequest logging = new SetBucketLoggingRequest(bucket);
        logging.setTargetBucket(other);
        logging.setTargetPrefix("log-");
        oss.setBucketLogging(logging);
        oss.getBucketLogging(bucket);
        oss.deleteBucketLogging(bucket);

        SetBucketWebsiteRequest website = new SetBucketWebsiteRequest(bucket);
        website.setIndexDocument("index.html");
        oss.setBucketWebsite(website);
        oss.getBucketWebsite(bucket);
        oss.deleteBucketWebsite(bucket);

        oss.setBucketReferer(bucket, new BucketReferer(true, List.of()));
        oss.getBucketReferer(bucket);
    }

    private void switches() {
        ServerSideEncryptionByDefault aes = new ServerSideEncryptionByDefault(SSEAlgorithm.AES256);
        oss.setBucketEncryption(new SetBucketEncryptionRequest(
                bucket, new ServerSideEncryptionConfiguration().withApplyServerSideEncryptionByDefault(aes)));
        oss.getBucketEncryption(bucket);
        oss.deleteBucketEncryption(bucket);
        oss.setBucketTagging(bucket, Map.of("k", "v"));
        oss.getBucketTagging(bucket);
        oss.deleteBucketTagging(new GenericRequest(bucket));
        oss.setBucketRequestPayment(bucket, Payer.BucketOwner);
        oss.getBucketRequestPayment(bucket);
        oss.setBucketResourceGroup(new SetBucketResourceGroupRequest(bucket, "rg-1"));
        oss.getBucketResourceGroup(bucket);
        oss.setBucketTransferAcceleration(bucket, true);
        oss.getBucketTransferAcceleration(bucket);
        oss.deleteBucketTransferAcceleration(bucket);
        oss.putBucketAccessMonitor(bucket, "Enabled");
        oss.getBucketAccessMonitor(bucket);
        oss.putBucketArchiveDirectRead(new PutBucketArchiveDirectReadRequest(bucket, true));
        oss.getBucketArchiveDirectRead(bucket);
        oss.putBucketHttpsConfig(new PutBucketHttpsConfigRequest(bucket, true, List.of("TLSv1.2", "TLSv1.3")));
        oss.getBucketHttpsConfig(bucket);
        quiet.putBucketHttpsConfig(new PutBucketHttpsConfigRequest(bucket).withEnabled(false));
    }

    private void limits() {
        oss.setBucketStorageCapacity(bucket, new UserQos(-1));
        oss.getBucketStorageCapacity(bucket);
        BucketQosInfo qos = new BucketQosInfo();
        qos.setTotalUploadBw(1);
        oss.setBucketQosInfo(bucket, qos);
        oss.getBucketQosInfo(bucket);
        oss.deleteBucketQosInfo(bucket);
        oss.getUserQosInfo();
    }

    private void policies() {
        oss.setBucketPolicy(bucket, POLICY);
        oss.getBucketPolicy(bucket);
        oss.getBucketPolicyStatus(bucket);
        oss.deleteBucketPolicy(bucket);
        oss.putPublicAccessBlock(new PutPublicAccessBlockRequest(false));
        oss.getPublicAccessBlock();
        oss.deletePublicAccessBlock();
        oss.putBucketPublicAccessBlock(new PutBucketPublicAccessBlockRequest(bucket, false));
        oss.getBucketPublicAccessBlock(bucket);
        oss.deleteBucketPublicAccessBlock(bucket);
        String call = "{\"callbackUrl\": \"http://a.example\", \"callbackBody\": \"b\"}";
        String callback = Base64.getEncoder().encodeToString(call.getBytes(StandardCharsets.UTF_8));
        oss.setBucketCallbackPolicy(
                new SetBucketCallbackPolicyRequest(bucket, List.of(new PolicyCallbackItem("p", callback))));
        oss.getBucketCallbackPolicy(new GenericRequest(bucket));
        oss.deleteBucketCallbackPolicy(new GenericRequest(bucket));
    }

    private void accessPoints() {
        String name = "ap-java";
        CreateAccessPointRequest made = new CreateAccessPointRequest(bucket);
        made.setVpc(new AccessPointVpcConfiguration());
        oss.createAccessPoint(made.withAccessPointName(name).withNetworkOrigin("internet"));
        oss.getAccessPoint(new GetAccessPointRequest(bucket).withAccessPointName(name));
        oss.listAccessPoints(new ListAccessPointsRequest());
        oss.listBucketAccessPoints(new ListBucketAccessPointsRequest(bucket));
        String objects = "acs:oss:cn-hangzhou:" + account + ":accesspoint/" + name + "/object/*";
        String policy = "{\"Version\": \"1\", \"Statement\": [{\"Effect\": \"Allow\", \"Action\": [\"oss:GetObject\"],"
                + " \"Principal\": [\"" + account + "\"], \"Resource\": [\"" + objects + "\"]}]}";
        PutAccessPointPolicyRequest put = new PutAccessPointPolicyRequest(bucket);
        oss.putAccessPointPolicy(put.withAccessPointName(name).withAccessPointPolicy(policy));
        oss.getAccessPointPolicy(new GetAccessPointPolicyRequest(bucket).withAccessPointName(name));
        oss.deleteAccessPointPolicy(new DeleteAccessPointPolicyRequest(bucket).withAccessPointName(name));
        oss.deleteAccessPoint(new DeleteAccessPointRequest(bucket).withAccessPointName(name));
    }

    private void pictures() {
        PutImageStyleRequest style = new PutImageStyleRequest();
        style.SetBucketName(bucket);
        style.SetStyleName("s");
        style.SetStyle("image/resize,w_10");
        oss.putImageStyle(style);
        oss.getImageStyle(bucket, "s");
        oss.listImageStyle(bucket);
        oss.deleteImageStyle(bucket, "s");
        oss.putBucketImage(new PutBucketImageRequest(bucket));
        oss.getBucketImage(bucket);
        oss.deleteBucketImage(bucket);
        oss.setBucketProcess(new SetBucketProcessRequest(bucket, new ImageProcess("Img", false, "", "")));
        oss.getBucketProcess(bucket);
    }

    private void inventory() {
        InventoryOSSBucketDestination place = new InventoryOSSBucketDestination()
                .withFormat(InventoryFormat.CSV)
                .withAccountId(account)
                .withRoleArn("acs:ram::1234567890123456:role/lister")
                .withBucket(other);
        oss.setBucketInventoryConfiguration(
                bucket,
                new InventoryConfiguration()
                        .withInventoryId("i")
                        .withEnabled(false)
                        .withSchedule(new InventorySchedule().withFrequency(InventoryFrequency.Daily))
                        .withIncludedObjectVersions(InventoryIncludedObjectVersions.All)
                        .withDestination(new InventoryDestination().withOSSBucketDestination(place)));
        oss.getBucketInventoryConfiguration(bucket, "i");
        oss.listBucketInventoryConfigurations(bucket);
        oss.deleteBucketInventoryConfiguration(bucket, "i");
    }

    private void replication() {
        AddBucketReplicationRequest rule = new AddBucketReplicationRequest(bucket);
        rule.setReplicationRuleID("rule");
        rule.setTargetBucketName(other);
        rule.setTargetBucketLocation("oss-cn-hangzhou");
        oss.addBucketReplication(rule);
        oss.getBucketReplication(bucket);
        oss.getBucketReplicationLocation(bucket);
        oss.getBucketReplicationProgress(bucket, "rule");
        oss.deleteBucketReplication(bucket, "rule");
        String task = oss.createBucketDataRedundancyTransition(bucket).getTaskId();
        oss.getBucketDataRedundancyTransition(bucket, task);
        oss.listBucketDataRedundancyTransition(bucket);
        oss.listUserDataRedundancyTransition(new ListUserDataRedundancyTransitionRequest());
        oss.deleteBucketDataRedundancyTransition(bucket, task);
    }

    private void worm() {
        String kept = bucket + "-w";
        quiet.createBucket(kept);
        oss.initiateBucketWorm(kept, 1);
        oss.getBucketWorm(kept);
        oss.abortBucketWorm(kept);
        String worm = quiet.initiateBucketWorm(kept, 1).getWormId();
        oss.completeBucketWorm(kept, worm);
        oss.extendBucketWorm(kept, worm, 2);
    }

    private void names() {
        String domain = bucket + ".example.com";
        oss.createBucketCnameToken(new CreateBucketCnameTokenRequest(bucket).withDomain(domain));
        oss.getBucketCnameToken(new GetBucketCnameTokenRequest(bucket).withDomain(domain));
        oss.addBucketCname(new AddBucketCnameRequest(bucket).withDomain(domain));
        oss.getBucketCname(bucket);
        oss.deleteBucketCname(bucket, domain);
    }

    private void channels() {
        oss.createLiveChannel(new CreateLiveChannelRequest(bucket, "live"));
        oss.setLiveChannelStatus(bucket, "live", LiveChannelStatus.Disabled);
        oss.getLiveChannelInfo(bucket, "live");
        oss.getLiveChannelStat(bucket, "live");
        oss.getLiveChannelHistory(bucket, "live");
        oss.listLiveChannels(bucket);
        oss.generateRtmpUri(bucket, "live", "list.m3u8", System.currentTimeMillis() / 1000 + 60);
        long now = System.currentTimeMillis() / 1000;
        oss.generateVodPlaylist(bucket, "live", "list.m3u8", now - 60, now);
        oss.getVodPlaylist(bucket, "live", now - 60, now);
        oss.deleteLiveChannel(bucket, "live");
    }
}
