import { fail } from '../errors.ts';

/** What a call to AWS failed by. */
export type AwsFailureKind = 'denied' | 'credentials' | 'throttled' | 'unreachable' | 'refused';

const credentialErrors = new Set([
  'AuthFailure',
  'CredentialsProviderError',
  'ExpiredToken',
  'ExpiredTokenException',
  'IncompleteSignature',
  'InvalidAccessKeyId',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'MissingAuthenticationToken',
  'MissingAuthenticationTokenException',
  'RequestExpired',
  'SignatureDoesNotMatch',
  'TokenRefreshRequired',
  'UnrecognizedClientException',
]);
const throttlingErrors = new Set([
  'RequestLimitExceeded',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
]);

/** The parts of the AWS SDK's errors that tell one kind from another. */
interface SdkError {
  readonly name?: string;
  readonly message?: string;
  /** Node's, of a connection that failed; a number in errors of the Web platform. */
  readonly code?: string | number;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/** By the error's name, which is AWS's own code for an answer of AWS; without an answer AWS was not reached. */
export function awsFailureKind(error: unknown): AwsFailureKind {
  const { name = '', $metadata } = (error ?? {}) as SdkError;
  const status = $metadata?.httpStatusCode;
  if (/^(AccessDenied|Unauthorized|NotAuthorized)/.test(name)) return 'denied';
  if (credentialErrors.has(name)) return 'credentials';
  if (throttlingErrors.has(name) || status === 429) return 'throttled';
  return status === undefined || status >= 500 ? 'unreachable' : 'refused';
}

const codes = {
  denied: 'AWS_ACCESS_DENIED',
  credentials: 'AWS_CREDENTIALS_REFUSED',
  throttled: 'AWS_THROTTLED',
  unreachable: 'AWS_UNREACHABLE',
  refused: 'AWS_CALL_REFUSED',
} as const;

/** @param action e.g. `CompleteLifecycleAction` @param groupName of the call; undefined for one without */
export function awsFailure(action: string, groupName: string | undefined, error: unknown) {
  const kind = awsFailureKind(error);
  // The SDK's error is no cause of ours: the logger would print its message whole, see `safeReason`.
  return fail(codes[kind], { action, resource: groupName ?? 'this instance', reason: safeReason(error) });
}

/**
 * One line of what AWS or the SDK said. A refused signature comes with the request's headers, the session token among
 * them, from the second line or sentence on.
 */
export function safeReason(error: unknown): string {
  const { name, message = '', code } = (error ?? {}) as SdkError;
  const firstSentence = /^[^\n]*?(?:\.(?=\s|$)|$)/m.exec(message.trim())?.[0] ?? '';
  const label = typeof code === 'string' ? code : name === 'Error' ? undefined : name;
  return [label, firstSentence.slice(0, 300)].filter(Boolean).join(': ');
}
