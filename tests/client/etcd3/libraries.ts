import * as ours from '@kvorum/client/etcd3';
import * as theirs from 'etcd3';

/** npm's etcd3, whose types the scripts are compiled with. */
export type Library = typeof theirs;

/** What a user of the library does with a client, on an empty store. */
export type Script = (client: theirs.Etcd3, library: Library) => Promise<unknown>;

/** What users of both do with a client of each. */
export type MixedScript = (theirs: theirs.Etcd3, ours: theirs.Etcd3) => Promise<unknown>;

/** Ours in the place of npm's: that the one can take the place of the other is what is tested. */
export const libraries = { theirs, ours: ours as unknown as Library } as const;

/** Resolves with the error of what fails. */
export async function failure(call: () => unknown): Promise<unknown> {
  try {
    return { unexpected: await call() };
  } catch (error) {
    return error;
  }
}
