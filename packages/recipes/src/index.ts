export { Barrier } from './barrier.ts';
export { DoubleBarrier } from './double-barrier.ts';
export { Election, Leadership } from './election.ts';
export { type ObserveOptions, observeElection } from './election-observer.ts';
export { platformEnvironment, type RecipeEnvironment } from './environment.ts';
export { RecipeError, type RecipeErrorCode } from './errors.ts';
export { FairLock, Ticket, Turn } from './fair-lock.ts';
export { Hold } from './hold.ts';
export { Lock, Mutex } from './mutex.ts';
export { PriorityQueue, Queue } from './queue.ts';
export { Registration, type RegistrationOptions } from './registration.ts';
export { RwLock, RwMutex } from './rw-mutex.ts';
export { Permit, Semaphore } from './semaphore.ts';
export {
  type SequentialKey,
  type SequentialKeyOptions,
  SequentialKeys,
} from './sequential-keys.ts';
export {
  type BalancingPolicy,
  type Picked,
  ServiceBalancer,
  type ServiceBalancerOptions,
} from './service-balancer.ts';
export type { Health, Instance, InstanceInit } from './service-instance.ts';
export {
  type ResolveOptions,
  ServiceRegistry,
  type ServiceRegistryOptions,
} from './service-registry.ts';
export type { ServiceWatch } from './service-watch.ts';
export { Session, type SessionLease, type SessionOptions, type WaitOptions } from './session.ts';
export {
  type Isolation,
  type StmOptions,
  type StmResult,
  type StmTransaction,
  stm,
} from './stm.ts';
export type { StmValue } from './stm-value.ts';
export type { StartOfSubscription, Subscription } from './subscription.ts';
export { type SubscribeOptions, Topic, type TopicOptions } from './topic.ts';
