// The S3 client, and the texts of its errors.
import { ListObjectsV2Command, S3Client, S3ServiceException } from '@aws-sdk/client-s3'
import type { S3Settings } from '../../config/s3-settings.ts'
import { ConfigError, messageOf } from '../../lib/errors.ts'

/** A client with persistent connections, timeouts and retries. */
export function createS3Client({ endpoint, region, accessKey, secretKey }: S3Settings): S3Client {
  const agent = { keepAlive: true, maxSockets: 128 }
  return new S3Client({
    endpoint,
    region,
    // Every store supports https://host/bucket. Bucket names in host names need a wildcard in DNS and in the certificate.
    forcePathStyle: true,
    credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
    maxAttempts: 4,
    requestHandler: { connectionTimeout: 5000, socketTimeout: 20_000, httpAgent: agent, httpsAgent: agent },
    // Other stores do not support the checksums that the SDK adds since January 2025 (aws-sdk-js-v3 issue 6810). Uploads are
    // still verified: the signature covers the sha256 of every body.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
}

/** @throws ConfigError that names the wrong setting, if the bucket cannot be listed */
export async function checkBucket(client: S3Client, settings: S3Settings): Promise<void> {
  const { bucket, prefix } = settings
  try {
    await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, MaxKeys: 1 }))
  } catch (error) {
    throw new ConfigError(faultOf(error, settings))
  }
}

/** The text of a store's error: its code and message, without credentials. */
export function describeS3Error(error: unknown): string {
  if (!(error instanceof Error)) return messageOf(error)
  if (error.name === 'AbortError') return 'timeout'
  const { code } = error as NodeJS.ErrnoException
  // If a connection failed on every address of the host, only the inner errors have messages.
  const inner = error instanceof AggregateError ? error.errors.map(messageOf).join(', ') : error.message
  const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined
  // The SDK calls a reset connection a timeout; the code tells the difference.
  const isPlain = ['Error', 'AggregateError', 'TimeoutError'].includes(error.name)
  const name = isPlain ? (code ?? error.name) : error.name
  return [name, status && `HTTP ${status}`, inner !== name && inner].filter(Boolean).join(': ')
}

function faultOf(error: unknown, { endpoint, bucket, region, accessKey }: S3Settings): string {
  const reason = describeS3Error(error)
  switch (error instanceof Error ? error.name : '') {
    case 'NoSuchBucket':
      return `BOOTWRIGHT_S3_URL: there is no bucket "${bucket}" at ${endpoint}`
    case 'InvalidBucketName':
      return `BOOTWRIGHT_S3_URL: expected the name of a bucket, got "${bucket}" (${reason})`
    case 'InvalidAccessKeyId':
      return `BOOTWRIGHT_S3_ACCESS_KEY: ${endpoint} does not know "${accessKey}" (${reason})`
    case 'SignatureDoesNotMatch':
      return `BOOTWRIGHT_S3_SECRET_KEY: wrong secret key for "${accessKey}", or ${endpoint} does not know this access key (${reason})`
    case 'AccessDenied':
    case 'AllAccessDisabled':
      return `BOOTWRIGHT_S3_ACCESS_KEY: "${accessKey}" may not list the bucket "${bucket}" (${reason})`
    case 'AuthorizationHeaderMalformed':
    case 'PermanentRedirect':
    case 'TemporaryRedirect':
      return `BOOTWRIGHT_S3_REGION: the bucket "${bucket}" is not in "${region}" at ${endpoint} (${reason})`
    case 'RequestTimeTooSkewed':
      return `BOOTWRIGHT_S3_URL: the clocks of this machine and of ${endpoint} differ too much (${reason})`
    default:
      return `BOOTWRIGHT_S3_URL: the bucket "${bucket}" at ${endpoint} cannot be read: ${reason}`
  }
}
