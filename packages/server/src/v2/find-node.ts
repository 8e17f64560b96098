import { pathsTo } from './key-path.ts';
import type { NodeView } from './node-view.ts';
import { V2Error } from './v2-error.ts';
import { fixedNode, type V2Node } from './v2-node.ts';

/**
 * The node of a path. Throws `V2Error` 100 with the first element that is missing on the way, or 104 with a file on the
 * way; `index` is the store's.
 */
export function findNode(view: NodeView, path: string, index: number): V2Node {
  const found = view.node(path);
  if (found !== undefined) return found;
  for (const above of pathsTo(path)) {
    const node = view.node(above);
    if (node === undefined) throw new V2Error(100, above, index);
    if (!node.isDir) throw new V2Error(104, above, index);
  }
  throw new V2Error(100, path, index);
}

/** The directories above a path that are still to be made, topmost first. Throws `V2Error` 104 with a file on the way. */
export function missingAbove(view: NodeView, path: string, index: number): string[] {
  const missing: string[] = [];
  for (const above of pathsTo(path).slice(0, -1)) {
    const node = fixedNode(above) ?? (missing.length > 0 ? undefined : view.node(above));
    if (node === undefined) missing.push(above);
    else if (!node.isDir) throw new V2Error(104, above, index);
  }
  return missing;
}
