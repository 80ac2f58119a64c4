// The S3 client, and its errors in words.
import { ListObjectsV2Command, S3Client, S3ServiceException } from '@aws-sdk/client-s3'
import type { S3Settings } from '../../config/s3-settings.ts'
import { ConfigError, messageOf } from '../../lib/errors.ts'

/** A client that keeps its connections, gives up on silent ones, and tries again what may be tried again. */
export function createS3Client({ endpoint, region, accessKey, secretKey }: S3Settings): S3Client {
  const agent = { keepAlive: true, maxSockets: 128 }
  return new S3Client({
    endpoint,
    region,
    // https://host/bucket: every store has it; names of buckets as host names need a wildcard in DNS and certificate.
    forcePathStyle: true,
    credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
    maxAttempts: 4,
    requestHandler: { connectionTimeout: 5000, socketTimeout: 20_000, httpAgent: agent, httpsAgent: agent },
    // The checksums that the SDK adds since January 2025 are unknown to other stores (aws-sdk-js-v3 issue 6810). What we
    // send is covered all the same: the signature names the sha256 of every body.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
}

/** @throws ConfigError that names the setting at fault, when the bucket cannot be listed */
export async function checkBucket(client: S3Client, settings: S3Settings): Promise<void> {
  const { bucket, prefix } = settings
  try {
    await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, MaxKeys: 1 }))
  } catch (error) {
    throw new ConfigError(faultOf(error, settings))
  }
}

/** An error of the store in words: its code and what it says, and no credentials. */
export function describeS3Error(error: unknown): string {
  if (!(error instanceof Error)) return messageOf(error)
  if (error.name === 'AbortError') return 'it did not answer in time'
  const { code } = error as NodeJS.ErrnoException
  // A connection that failed on every address of the name has no message of its own.
  const inner = error instanceof AggregateError ? error.errors.map(messageOf).join(', ') : error.message
  const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined
  // The SDK calls a connection that was cut a timeout; its code says what it was.
  const isPlain = ['Error', 'AggregateError', 'TimeoutError'].includes(error.name)
  const name = isPlain ? (code ?? error.name) : error.name
  return [name, status && `HTTP ${status}`, inner !== name && inner].filter(Boolean).join(': ')
}

function faultOf(error: unknown, { endpoint, bucket, region, accessKey }: S3Settings): string {
  const said = describeS3Error(error)
  switch (error instanceof Error ? error.name : '') {
    case 'NoSuchBucket':
      return `BOOTWRIGHT_S3_URL: there is no bucket "${bucket}" at ${endpoint}`
    case 'InvalidBucketName':
      return `BOOTWRIGHT_S3_URL: "${bucket}" is not the name of a bucket (${said})`
    case 'InvalidAccessKeyId':
      return `BOOTWRIGHT_S3_ACCESS_KEY: ${endpoint} does not know "${accessKey}" (${said})`
    case 'SignatureDoesNotMatch':
      return `BOOTWRIGHT_S3_SECRET_KEY: it is not that of "${accessKey}", or ${endpoint} knows no such access key (${said})`
    case 'AccessDenied':
    case 'AllAccessDisabled':
      return `BOOTWRIGHT_S3_ACCESS_KEY: "${accessKey}" may not list the bucket "${bucket}" (${said})`
    case 'AuthorizationHeaderMalformed':
    case 'PermanentRedirect':
    case 'TemporaryRedirect':
      return `BOOTWRIGHT_S3_REGION: the bucket "${bucket}" is not in "${region}" at ${endpoint} (${said})`
    case 'RequestTimeTooSkewed':
      return `BOOTWRIGHT_S3_URL: the clocks of this machine and of ${endpoint} differ too much (${said})`
    default:
      return `BOOTWRIGHT_S3_URL: the bucket "${bucket}" at ${endpoint} cannot be read: ${said}`
  }
}
