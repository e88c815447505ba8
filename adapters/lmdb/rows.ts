import { Packr } from 'msgpackr';

const packr = new Packr({ useRecords: false, mapsAsObjects: true, variableMapSize: true });

/** How rows are kept: msgpack arrays of their fields. */
export const packRow = (fields: readonly unknown[]): Buffer => packr.pack(fields);
export const unpackRow = (row: Uint8Array): unknown => packr.unpack(row);
