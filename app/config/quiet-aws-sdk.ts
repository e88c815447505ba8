/** Which Node a later version of Amazon's SDK will need is no concern of an operator at each start. */
export function quietAwsSdk(): void {
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
}
