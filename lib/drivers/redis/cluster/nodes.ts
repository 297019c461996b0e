import { parseAddress, type Address } from './topology.js';

/** One thing for each node of a cluster that is needed, opened when it is first asked for. */
export class Nodes<T extends { close(): Promise<void> }> {
  private readonly byName = new Map<string, T>();

  constructor(private readonly open: (address: Address) => T) {}

  /** @param name the node's address as text */
  at(name: string): T {
    let node = this.byName.get(name);
    if (!node) this.byName.set(name, (node = this.open(parseAddress(name))));
    return node;
  }

  values(): Iterable<T> {
    return this.byName.values();
  }

  /** Closes those of all other nodes. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const [name, node] of this.byName) {
      if (names.has(name)) continue;
      this.byName.delete(name);
      void node.close();
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.byName.values()].map((node) => node.close()));
  }
}
