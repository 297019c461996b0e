/** As much of a database as the page needs, in memory. */
export class Database {
  readonly rows: string[] = [];
  private readonly notes = new Set<string>();

  /** Keeps what `work` has written, unless it rejects. */
  async transaction<T>(
    work: (transaction: Transaction) => Promise<T>,
  ): Promise<T> {
    const noted: string[] = [];
    const written: string[] = [];
    const result = await work({
      note: async (note) => {
        if (this.notes.has(note)) return false;
        noted.push(note);
        return true;
      },
      insert: async (row) => void written.push(row),
    });
    this.rows.push(...written);
    for (const note of noted) this.notes.add(note);
    return result;
  }
}

export interface Transaction {
  /** Writes a row that is unique by `note`. False: there was one already. */
  note(note: string, ttl: number): Promise<boolean>;
  insert(row: string): Promise<void>;
}
