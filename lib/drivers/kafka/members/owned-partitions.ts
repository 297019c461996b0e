/** Partitions that a member is to give up, from the moment when it learns so. */
export interface Revocation {
  readonly partitions: readonly number[];
}

/** The partitions that a member has, and which of them it is giving up. */
export class OwnedPartitions {
  private readonly owned = new Set<number>();
  /** The member hands out nothing of these any more, and finishes what is in hand. */
  private readonly leaving = new Map<number, Revocation>();
  /** What the group has given to this member last. */
  private assigned: ReadonlySet<number> = new Set();

  get all(): readonly number[] {
    return [...this.owned].sort((a, b) => a - b);
  }

  has(partition: number): boolean {
    return this.owned.has(partition);
  }

  /** Returns what is new, and what is to be given up. */
  assign(partitions: readonly number[]): { added: number[]; revoked: Revocation } {
    this.assigned = new Set(partitions);
    const added = partitions.filter((partition) => !this.owned.has(partition));
    const revoked: Revocation = {
      partitions: this.all.filter(
        (partition) => !this.assigned.has(partition) && !this.leaving.has(partition),
      ),
    };
    for (const partition of added) this.owned.add(partition);
    for (const partition of revoked.partitions) this.leaving.set(partition, revoked);
    return { added, revoked };
  }

  /**
   * Nothing of these is in hand any more. Returns those that the member still had, and which of them the
   * group has given back meanwhile.
   */
  gaveUp(revoked: Revocation): { gone: number[]; back: number[] } {
    const gone = revoked.partitions.filter((one) => this.leaving.get(one) === revoked);
    const back = gone.filter((partition) => this.assigned.has(partition));
    for (const partition of gone) {
      this.leaving.delete(partition);
      if (!this.assigned.has(partition)) this.owned.delete(partition);
    }
    return { gone, back };
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
