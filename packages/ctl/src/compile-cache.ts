import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Has Node keep what it compiled of this program, for the next start: in a folder of the user's alone, since whoever can
 * write there decides what runs. Node's own variables, NODE_COMPILE_CACHE and NODE_DISABLE_COMPILE_CACHE, come first; a
 * folder that can't be written to costs time and nothing else.
 */
export function useCompileCache(env: Readonly<Record<string, string | undefined>>): void {
  try {
    const caches = env.XDG_CACHE_HOME || join(homedir(), '.cache');
    enableCompileCache(join(caches, 'kvorum', 'compiled'));
  } catch {
    // Somebody without a home.
  }
}
