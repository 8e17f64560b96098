/**
 * `usage`: the command line can't be read (exit code 2, followed by the usage text).
 * `invalid`: it can be read but makes no sense (exit code 1).
 * `unsupported`: etcd has the feature, this version of Kvorum does not (exit code 1).
 */
export type ConfigErrorCode = 'usage' | 'invalid' | 'unsupported';

/** Why a configuration was refused; the message is one line for people, in etcd's words where etcd has some. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code: ConfigErrorCode;

  constructor(code: ConfigErrorCode, message: string) {
    super(message);
    this.code = code;
  }

  /** What the process exits with: 2 for `usage`, else 1. */
  get exitCode(): 1 | 2 {
    return this.code === 'usage' ? 2 : 1;
  }
}
