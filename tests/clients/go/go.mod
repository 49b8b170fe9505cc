module coatcheck.test/clients

go 1.22

require (
	github.com/aliyun/alibabacloud-oss-go-sdk-v2 v1.6.1 // indirect
	golang.org/x/time v0.4.0 // indirect
)
