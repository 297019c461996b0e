/** The partitions that a member has, and which of them it is giving up. */
export class OwnedPartitions {
  private readonly owned = new Set<number>();
  /** It hands out nothing of these any more, and finishes what is in hand. */
  private readonly leaving = new Set<number>();
  /** What the group has given to this member last. */
  private assigned: ReadonlySet<number> = new Set();

  get all(): readonly number[] {
    return [...this.owned].sort((a, b) => a - b);
  }

  has(partition: number): boolean {
    return this.owned.has(partition);
  }

  /** Returns what is new, and what is to be given up. */
  assign(partitions: readonly number[]): { added: number[]; revoked: number[] } {
    this.assigned = new Set(partitions);
    const added = partitions.filter((partition) => !this.owned.has(partition));
    const revoked = this.all.filter(
      (partition) => !this.assigned.has(partition) && !this.leaving.has(partition),
    );
    for (const partition of added) this.owned.add(partition);
    for (const partition of revoked) this.leaving.add(partition);
    return { added, revoked };
  }

  /** Nothing of these is in hand any more. Returns those that the group has given back meanwhile. */
  gaveUp(partitions: readonly number[]): number[] {
    const mine = partitions.filter((partition) => this.leaving.delete(partition));
    const back = mine.filter((partition) => this.assigned.has(partition));
    for (const partition of mine) {
      if (!this.assigned.has(partition)) this.owned.delete(partition);
    }
    return back;
  }

  /** Others have them, or they are gone. Returns all that there were. */
  clear(): readonly number[] {
    const { all } = this;
    this.owned.clear();
    this.leaving.clear();
    this.assigned = new Set();
    return all;
  }
}
