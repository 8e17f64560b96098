export { ClientHarness, failureOf, goawayCode, okFields, resetCode } from './client-harness.ts';
export { EchoService } from './echo-service.ts';
export { FramePeer, type RawFrame } from './frame-peer.ts';
export { ManualClock } from './manual-clock.ts';
export { memoryDuplexPair } from './memory-duplex.ts';
export { callFields, framed, ServerHarness } from './server-harness.ts';
