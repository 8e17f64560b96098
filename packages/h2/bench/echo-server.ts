/**
 * An echo server for the benchmark, on one of two transports: `node echo-server.ts h2|node`.
 * Prints its port; on SIGUSR2 prints the CPU time used so far, in microseconds.
 */
import http2 from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import { GrpcServer, nodeClock, type UnaryMethod } from '../src/index.ts';

const path = '/bench.Echo/Call';

function listenOnH2(): net.Server {
  const echo: UnaryMethod = { kind: 'unary', handle: (request, call) => call.reply(request) };
  const grpc = new GrpcServer({ methods: new Map([[path, echo]]), clock: nodeClock });
  return net.createServer({ noDelay: true }, (socket) => grpc.accept(socket));
}

/** The same on `node:http2`, by its quickest interface. */
function listenOnNode(): http2.Http2Server {
  const server = http2.createServer();
  server.on('stream', (stream: http2.ServerHttp2Stream) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc' },
        { waitForTrailers: true },
      );
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
    });
    stream.on('error', () => {});
  });
  return server;
}

const server = process.argv[2] === 'node' ? listenOnNode() : listenOnH2();
server.listen(0, '127.0.0.1', () => {
  console.log((server.address() as AddressInfo).port);
});
process.on('SIGUSR2', () => {
  const { user, system } = process.cpuUsage();
  console.log(user + system);
});
