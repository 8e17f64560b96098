/**
 * A set of half-open text intervals [low, high) that answers "which of them hold this point".
 *
 * An AVL tree ordered by (low, high) in which every node also knows the greatest `high` below it:
 *
 *                [d, k)  max z
 *               /             \
 *       [a, c)  max f      [m, z)  max z
 *               \
 *             [b, f)  max f
 *
 * A search for "e" skips a subtree whose greatest end is <= "e", and everything right of a node that
 * starts behind "e". That is O(log n + matches) for intervals as watchers have them, and never more
 * than O(n). Shape depends only on the order of insertions and removals, so runs are repeatable.
 */
export class IntervalTree<T> {
  #root: IntervalNode<T> | undefined;
  #size = 0;

  /** Number of intervals held. */
  get size(): number {
    return this.#size;
  }

  /** The value of exactly [low, high), if held. O(log n). */
  get(low: string, high: string): T | undefined {
    let node = this.#root;
    while (node !== undefined) {
      const order = compareIntervals(low, high, node);
      if (order === 0) return node.value;
      node = order < 0 ? node.left : node.right;
    }
    return undefined;
  }

  /** Adds [low, high) or replaces its value. `low` must be below `high`. O(log n). */
  set(low: string, high: string, value: T): void {
    this.#root = this.#insert(this.#root, low, high, value);
  }

  /** Removes exactly [low, high); returns whether it was held. O(log n). */
  delete(low: string, high: string): boolean {
    const sizeBefore = this.#size;
    this.#root = this.#remove(this.#root, low, high);
    return this.#size < sizeBefore;
  }

  /** Appends to `out` the values of all intervals with low <= point < high, in order of (low, high). */
  stab(point: string, out: T[]): void {
    if (this.#root !== undefined) collect(this.#root, point, out);
  }

  /** Throws when order, balance, heights or greatest ends are wrong. For tests. O(n). */
  verify(): void {
    const count = verifyNode(this.#root);
    if (count !== this.#size) throw new Error(`size ${this.#size}, but ${count} nodes`);
  }

  #insert(node: IntervalNode<T> | undefined, low: string, high: string, value: T): IntervalNode<T> {
    if (node === undefined) {
      this.#size += 1;
      return new IntervalNode(low, high, value);
    }
    const order = compareIntervals(low, high, node);
    if (order === 0) {
      node.value = value;
      return node;
    }
    if (order < 0) node.left = this.#insert(node.left, low, high, value);
    else node.right = this.#insert(node.right, low, high, value);
    return rebalance(node);
  }

  #remove(
    node: IntervalNode<T> | undefined,
    low: string,
    high: string,
  ): IntervalNode<T> | undefined {
    if (node === undefined) return undefined;
    const order = compareIntervals(low, high, node);
    if (order < 0) {
      node.left = this.#remove(node.left, low, high);
      return rebalance(node);
    }
    if (order > 0) {
      node.right = this.#remove(node.right, low, high);
      return rebalance(node);
    }
    if (node.left === undefined || node.right === undefined) {
      this.#size -= 1;
      return node.left ?? node.right;
    }
    // Two children: the successor takes this place, and leaves its own, where it has no left child.
    let successor = node.right;
    while (successor.left !== undefined) successor = successor.left;
    node.low = successor.low;
    node.high = successor.high;
    node.value = successor.value;
    node.right = this.#remove(node.right, successor.low, successor.high);
    return rebalance(node);
  }
}

class IntervalNode<T> {
  low: string;
  high: string;
  value: T;
  /** Greatest `high` of this node and all below it. */
  maxHigh: string;
  /** Nodes on the longest way down, this one included. */
  height = 1;
  left: IntervalNode<T> | undefined = undefined;
  right: IntervalNode<T> | undefined = undefined;

  constructor(low: string, high: string, value: T) {
    this.low = low;
    this.high = high;
    this.value = value;
    this.maxHigh = high;
  }
}

function compareIntervals<T>(low: string, high: string, node: IntervalNode<T>): number {
  if (low !== node.low) return low < node.low ? -1 : 1;
  if (high !== node.high) return high < node.high ? -1 : 1;
  return 0;
}

function collect<T>(node: IntervalNode<T>, point: string, out: T[]): void {
  if (node.maxHigh <= point) return;
  if (node.left !== undefined) collect(node.left, point, out);
  if (node.low > point) return;
  if (point < node.high) out.push(node.value);
  if (node.right !== undefined) collect(node.right, point, out);
}

function heightOf<T>(node: IntervalNode<T> | undefined): number {
  return node === undefined ? 0 : node.height;
}

/** Recomputes what a node knows about its subtree, after its children changed. */
function refresh<T>(node: IntervalNode<T>): void {
  const { left, right } = node;
  node.height = 1 + Math.max(heightOf(left), heightOf(right));
  let maxHigh = node.high;
  if (left !== undefined && left.maxHigh > maxHigh) maxHigh = left.maxHigh;
  if (right !== undefined && right.maxHigh > maxHigh) maxHigh = right.maxHigh;
  node.maxHigh = maxHigh;
}

/** Restores the AVL property of a node whose subtrees differ by at most two; returns the new top. */
function rebalance<T>(node: IntervalNode<T>): IntervalNode<T> {
  const { left, right } = node;
  const balance = heightOf(left) - heightOf(right);
  if (balance > 1 && left !== undefined) {
    if (heightOf(left.left) < heightOf(left.right)) node.left = rotateLeft(left);
    return rotateRight(node);
  }
  if (balance < -1 && right !== undefined) {
    if (heightOf(right.right) < heightOf(right.left)) node.right = rotateRight(right);
    return rotateLeft(node);
  }
  refresh(node);
  return node;
}

function rotateRight<T>(node: IntervalNode<T>): IntervalNode<T> {
  const top = node.left;
  if (top === undefined) return node;
  node.left = top.right;
  top.right = node;
  refresh(node);
  refresh(top);
  return top;
}

function rotateLeft<T>(node: IntervalNode<T>): IntervalNode<T> {
  const top = node.right;
  if (top === undefined) return node;
  node.right = top.left;
  top.left = node;
  refresh(node);
  refresh(top);
  return top;
}

function verifyNode<T>(node: IntervalNode<T> | undefined): number {
  if (node === undefined) return 0;
  const { left, right, low, high } = node;
  const count = 1 + verifyNode(left) + verifyNode(right);
  if (Math.abs(heightOf(left) - heightOf(right)) > 1) throw new Error(`unbalanced at ${low}`);
  if (node.height !== 1 + Math.max(heightOf(left), heightOf(right))) {
    throw new Error(`wrong height at ${low}`);
  }
  const highs = [high, left?.maxHigh ?? high, right?.maxHigh ?? high].sort();
  if (node.maxHigh !== highs[2]) throw new Error(`wrong greatest end at ${low}`);
  if (left !== undefined && compareIntervals(left.low, left.high, node) >= 0) {
    throw new Error(`left child not below ${low}`);
  }
  if (right !== undefined && compareIntervals(right.low, right.high, node) <= 0) {
    throw new Error(`right child not above ${low}`);
  }
  return count;
}
