declare const rowType: unique symbol;

export type KeyPart = string | number;

/** A named kind of rows. The type of a row is a promise of the code that writes it; what is read was sealed by this SDK. */
export interface Table<Row> {
  readonly name: string;
  readonly [rowType]?: Row;
}

export function table<Row>(name: string): Table<Row> {
  return { name };
}
