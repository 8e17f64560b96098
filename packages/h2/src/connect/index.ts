export { callKey, connectionKey } from './call-context.ts';
export { type ConnectServices, connectServices } from './connect-services.ts';
export { connectFallback, type ExchangeHandler } from './fallback.ts';
export { gzipCompression } from './gzip.ts';
export { h2HttpClient } from './http-client.ts';
export { rawRoutes } from './raw-routes.ts';
export { createH2Transport, type H2TransportOptions } from './transport.ts';
