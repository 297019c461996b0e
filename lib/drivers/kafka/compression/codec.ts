/** What compresses batches of records, and reads those of other programs. */
export interface Codec {
  compress(bytes: Buffer): Promise<Buffer>;
  decompress(bytes: Buffer): Promise<Buffer>;
}

/** Loads a package, and makes a codec of it. */
export interface CodecPackage {
  /** The package. Undefined: Node has the codec itself. */
  readonly name?: string;
  load(): Promise<Codec>;
}
