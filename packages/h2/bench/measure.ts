import { Child, type Usage } from './child.ts';
import type { ClientLoad, ClientUse } from './clients/main.ts';
import { h2load } from './load/h2load.ts';
import type { LoadDone, RawLoad } from './load/main.ts';
import { type ClientPlan, messagesPerStream, type ServerLoad, type Subject } from './plan.ts';
import type { Sample } from './report.ts';
import type { Listening } from './servers/main.ts';

/** How long a load runs. */
export interface Duration {
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

/** Runs a load against a server in a new process, and says what that process used. */
export async function measureServer(
  subject: Subject,
  load: ServerLoad,
  duration: Duration,
): Promise<Sample> {
  const server = await startServer(subject);
  try {
    return await runLoad(subject, server, load, duration);
  } finally {
    await server.child.stop();
  }
}

/** The same, against a server that runs already. */
export async function runLoad(
  subject: Subject,
  { child: server, port }: RunningServer,
  load: ServerLoad,
  duration: Duration,
): Promise<Sample> {
  const run = load.generator === 'lean' ? await leanRunner(port, load) : h2loadRunner(port, load);
  try {
    await run.load(duration.warmUpSeconds);
    const before = await server.ask<Usage>({});
    const { calls, seconds } = await run.load(duration.seconds);
    const after = await server.ask<Usage>({});
    return {
      subject,
      load: load.name,
      unit: load.method === 'unary' ? 'calls' : 'messages',
      operations: calls * messagesOf(load),
      bytesPerOperation: load.messageBytes,
      seconds,
      cpuSeconds: (after.cpuMicros - before.cpuMicros) / 1e6,
      rssBytes: after.rssBytes,
    };
  } finally {
    await run.stop();
  }
}

/** Runs a load with a client in a new process, against our server in another. */
export async function measureClient(
  subject: Subject,
  plan: ClientPlan,
  duration: Duration,
): Promise<Sample> {
  const server = await startServer('kvorum');
  try {
    return await runClient(subject, server.port, plan, duration);
  } finally {
    await server.child.stop();
  }
}

/** The same, against a server that runs already. */
export async function runClient(
  subject: Subject,
  port: number,
  { name, method, messageBytes, inFlight }: ClientPlan,
  duration: Duration,
): Promise<Sample> {
  const args = [subject, String(port), String(messagesPerStream)];
  const [client] = await Child.start('./clients/main.ts', args);
  try {
    const load = (seconds: number): ClientLoad => ({ method, messageBytes, inFlight, seconds });
    await client.ask(load(duration.warmUpSeconds));
    const use = await client.ask<ClientUse>(load(duration.seconds));
    return {
      subject,
      load: name,
      unit: method === 'unary' ? 'calls' : 'messages',
      operations: use.calls * (method === 'unary' ? 1 : messagesPerStream),
      bytesPerOperation: messageBytes,
      seconds: use.seconds,
      cpuSeconds: use.cpuMicros / 1e6,
      rssBytes: use.rssBytes,
    };
  } finally {
    await client.stop();
  }
}

/** A server of the benchmark in a process of its own. */
export interface RunningServer {
  readonly child: Child;
  readonly port: number;
}

export async function startServer(subject: Subject): Promise<RunningServer> {
  const args = [subject, String(messagesPerStream)];
  const [child, { port }] = await Child.start<Listening>('./servers/main.ts', args);
  return { child, port };
}

/** Messages that answer a call. */
function messagesOf({ method }: ServerLoad): number {
  return method === 'unary' ? 1 : messagesPerStream;
}

interface Runner {
  load(seconds: number): Promise<LoadDone>;
  stop(): Promise<void>;
}

async function leanRunner(port: number, load: ServerLoad): Promise<Runner> {
  const { method, messageBytes, connections, streams } = load;
  const messages = messagesOf(load);
  const [generator] = await Child.start('./load/main.ts', [String(port)]);
  return {
    load: (seconds) => {
      const question: RawLoad = { method, messageBytes, messages, connections, streams, seconds };
      return generator.ask<LoadDone>(question);
    },
    stop: () => generator.stop(),
  };
}

/** h2load makes a number of calls, so each load estimates those of the next, and the first finds them by growing. */
function h2loadRunner(port: number, load: ServerLoad): Runner {
  const wanted = { ...load, messages: messagesOf(load) };
  let perSecond: number | undefined;
  const run = async (calls: number): Promise<LoadDone> => {
    const done = await h2load(port, Math.max(Math.ceil(calls), load.connections), wanted);
    perSecond = done.calls / done.seconds;
    return done;
  };
  const find = async (seconds: number): Promise<number> => {
    for (let calls = load.connections * load.streams; ; calls *= 4) {
      const done = await run(calls);
      if (done.seconds >= seconds / 8) return done.calls / done.seconds;
    }
  };
  return {
    load: async (seconds) => {
      perSecond ??= await find(seconds);
      return await run(perSecond * seconds);
    },
    stop: async () => {},
  };
}
