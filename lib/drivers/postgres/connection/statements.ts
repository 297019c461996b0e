/** What the server answered to a statement. */
export interface Answer<Row> {
  readonly rows: Row[];
  /** How many rows were written or read. */
  readonly rowCount: number | null;
}

/** Sends statements: each in a transaction of its own, or all in one transaction. */
export interface Statements {
  /**
   * Sends one statement. Values of the type bigint come and go as decimal texts.
   * @param action what the caller is doing, for errors: `publishing`
   * @param text `{schema}` stands for the quoted name of the schema. Use constant texts: each text is
   * kept, with the name in place
   * @param values of `$1`, `$2` …
   * @throws StreamsError of a kind that says what went wrong
   */
  query<Row extends object>(
    action: string,
    text: string,
    values?: readonly unknown[],
  ): Promise<Answer<Row>>;
}

/** Puts the name of the schema into statements. */
export class SchemaName {
  private readonly texts = new Map<string, string>();
  /** The name in quotes. */
  readonly quoted: string;

  constructor(readonly name: string) {
    this.quoted = `"${name.replaceAll('"', '""')}"`;
  }

  /** Replaces each `{schema}`, and remembers the text. */
  into(text: string): string {
    let made = this.texts.get(text);
    if (made === undefined) {
      made = text.replaceAll('{schema}', this.quoted);
      this.texts.set(text, made);
    }
    return made;
  }
}
