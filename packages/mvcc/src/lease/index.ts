export type { LeaseCheckpoint } from './expiry.ts';
export { LeaseError, type LeaseErrorCode } from './lease-error.ts';
export {
  type LeaseMetrics,
  type LeaseRenewal,
  type LeaseTime,
  Lessor,
  type LessorOptions,
  MAX_LEASE_TTL_SECONDS,
} from './lessor.ts';
