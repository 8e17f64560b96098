import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** A script for browsers. */
export interface Bundle {
  readonly script: string;
  readonly bytes: number;
  readonly gzippedBytes: number;
}

/** Makes one of a source of this folder. Rejects when it needs what only Node has. */
export async function bundleForBrowser(
  contents: string | { readonly file: string },
): Promise<Bundle> {
  const input =
    typeof contents === 'string'
      ? { stdin: { contents, resolveDir: import.meta.dirname } }
      : { entryPoints: [join(import.meta.dirname, contents.file)] };
  const { outputFiles } = await build({
    ...input,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2024',
    // Top-level statements and `await using` as they stand in what browsers of today run.
    supported: { using: false },
    conditions: ['kvorum-source'],
    write: false,
    logLevel: 'silent',
  });
  const script = outputFiles[0]?.text ?? '';
  return {
    script,
    bytes: Buffer.byteLength(script),
    gzippedBytes: gzipSync(script, { level: 9 }).length,
  };
}
