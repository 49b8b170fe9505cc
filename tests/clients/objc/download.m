// A third party that was handed a link: download URL FILE. Prints the status; a refusal's document goes to FILE too.
// NSURLSession needs a library that Debian's GNUstep is built without; NSURLConnection came before it and is there.
#import <Foundation/Foundation.h>

int main(int count, const char *arguments[]) {
    NSAutoreleasePool *pool = [NSAutoreleasePool new];
    NSURL *url = [NSURL URLWithString:[NSString stringWithUTF8String:arguments[1]]];
    NSURLRequest *request = [NSURLRequest requestWithURL:url];
    NSURLResponse *response = nil;
    NSError *error = nil;
    NSData *body = [NSURLConnection sendSynchronousRequest:request returningResponse:&response error:&error];
    if (body == nil) {
        fprintf(stderr, "%s\n", [[error description] UTF8String]);
        return 1;
    }
    [body writeToFile:[NSString stringWithUTF8String:arguments[2]] atomically:YES];
    printf("%ld\n", (long)[(NSHTTPURLResponse *)response statusCode]);
    [pool drain];
    return 0;
}
