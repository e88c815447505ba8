import type { Position } from '../../protocol/ids.js';
import { exceptAfter, type ExceptChange } from '../../protocol/except.js';
import type { PeerReceipts } from './message.js';

type Mark = 'delivered' | 'read';

/** Whether the position is below the watermark, and not passed over by it. */
export function reaches(receipts: PeerReceipts | undefined, mark: Mark, position: Position): boolean {
  return position <= (receipts?.[mark] ?? -1) && receipts?.except?.includes(position) !== true;
}

/** Of one device: watermarks only rise. */
export function raisedReceipts(known: PeerReceipts | undefined, { delivered, read, ...change }: PeerReceipts & ExceptChange): PeerReceipts {
  return { ...higher(known, { delivered, read }), ...exceptOf(exceptAfter(known?.except, change)) };
}

/** Of two devices of an account: what one of them has, the account has. */
export function furthestReceipts(one: PeerReceipts | undefined, other: PeerReceipts): PeerReceipts {
  const missing = [...(one?.except ?? []), ...(other.except ?? [])];
  const onNeither = missing.filter((position) => ![one, other].some((of) => reaches(of, 'delivered', position)));
  return { ...higher(one, other), ...exceptOf(exceptAfter(onNeither)) };
}

/** Of several accounts, each with where it came if it was not there before: what all of them have, or were not there for. */
export function commonReceipts(others: readonly (PeerReceipts & { readonly joinedAt?: Position | undefined })[]): PeerReceipts {
  const common = (mark: Mark) => {
    const positions = others.map(({ joinedAt, ...receipts }) => higher(receipts, { [mark]: joinedAt })[mark]);
    return positions.length === 0 || positions.includes(undefined) ? undefined : Math.min(...positions.map((position) => position ?? 0));
  };
  const except = others.flatMap((of) => of.except ?? []);
  return { delivered: common('delivered'), read: common('read'), ...exceptOf(exceptAfter(except)) };
}

function higher(one: PeerReceipts | undefined, other: PeerReceipts): PeerReceipts {
  const highest = (mark: Mark) => {
    const positions = [one?.[mark], other[mark]].filter((position) => position !== undefined);
    return positions.length === 0 ? undefined : Math.max(...positions);
  };
  return { delivered: highest('delivered'), read: highest('read') };
}

function exceptOf(except: readonly Position[]): Pick<PeerReceipts, 'except'> {
  return except.length === 0 ? {} : { except };
}
