module coatcheck.test/clients

go 1.18

require (
	github.com/aliyun/alibabacloud-oss-go-sdk-v2 v1.6.1
	github.com/aliyun/aliyun-oss-go-sdk v3.0.2+incompatible
)

require golang.org/x/time v0.4.0 // indirect
