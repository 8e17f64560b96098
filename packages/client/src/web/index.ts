// The client for browsers: what the package gives in Node, but for sockets, certificates and unix endpoints.

export * from '../everywhere.ts';
export { type ConnectOptions, connect, connectRpc } from './connect.ts';
export type { FetchOptions } from './fetch-channel.ts';
export type { Fetch } from './web-call.ts';
