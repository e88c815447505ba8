import { Packr } from 'msgpackr';

/** Everything that a device keeps or seals is packed so: plain maps, which every version reads. */
export const packr = new Packr({ useRecords: false, mapsAsObjects: true, variableMapSize: true });
