export { type Clock, systemClock } from './clock.ts';
export { ConfigError } from './config/config-error.ts';
export type { ServerConfig } from './config/server-config.ts';
export { type EmbeddedServer, type EmbedOptions, startServer } from './embed.ts';
export { type LogFields, type Logger, silentLogger } from './logging/logger.ts';
export { Metrics } from './metrics/metrics.ts';
export type { Member } from './run-member.ts';
export { type MemberDeps, startMember } from './server.ts';
export { ETCD_VERSION, KVORUM_VERSION } from './version.ts';
