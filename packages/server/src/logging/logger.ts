/**
 * Structured values beside a message. Keys are etcd's (`took`, `error`, `address`, kebab-case). A bigint is written as
 * a decimal string and an Error as its message; ids are formatted by the caller, in hex.
 */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * Where a component reports what people and scripts read. Injected everywhere; implementations never throw and never
 * block on a slow reader. Messages are constant text (scripts wait for some of them), what varies goes in the fields.
 */
export interface Logger {
  /** True when `debug` lines are written at all: guards fields that are expensive to compute. */
  readonly debugEnabled: boolean;
  /** What helps to find a mistake; see `debugEnabled`. */
  debug(message: string, fields?: LogFields): void;
  /** What an operator wants to know afterwards. */
  info(message: string, fields?: LogFields): void;
  /** What an operator should look at. */
  warn(message: string, fields?: LogFields): void;
  /** What does not work. */
  error(message: string, fields?: LogFields): void;
  /** The same sink under another `caller` field, such as `raft` or `rpc/watch`. */
  named(caller: string): Logger;
}

/** Writes nothing; for tests and for embedding without logs. */
export const silentLogger: Logger = {
  debugEnabled: false,
  debug() {},
  info() {},
  warn() {},
  error() {},
  named() {
    return silentLogger;
  },
};
