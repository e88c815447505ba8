import { DomainError } from '../../protocol/errors.js';
import type { AccountId, DeviceId, LinkId } from '../../protocol/ids.js';
import type { Handlers, ScriptedDirectory } from './scripted-directory.js';

interface ScriptedLink {
  readonly secret: Uint8Array;
  answer?: { readonly accountId: AccountId; readonly sealed: Uint8Array };
  deviceId?: DeviceId;
}

/** Links of a scripted server in memory; `links.delete` ends one's time. */
export function scriptLinks(directory: ScriptedDirectory) {
  const links = new Map<LinkId, ScriptedLink>();
  const linkOf = (linkId: LinkId, secret?: Uint8Array) => {
    const link = links.get(linkId);
    const fits = link !== undefined && (secret === undefined || Buffer.compare(link.secret, secret) === 0);
    if (!fits) throw new DomainError('not_found', 'no such link');
    return link;
  };
  const handlers: Handlers = {
    listDevices: (_, { accountId }) => {
      const { devices, deviceList } = directory.view(accountId);
      return { items: devices.map((device) => ({ ...device, name: 'a device', createdAtMs: 0 })), deviceList };
    },
    openLink: ({ body: { linkId, secret } }) => {
      if (!links.has(linkId)) links.set(linkId, { secret });
      return { expiresAtMs: 0 };
    },
    answerLink: ({ params: { linkId }, body: { sealed } }, { accountId }) => {
      linkOf(linkId).answer = { accountId, sealed };
      return undefined;
    },
    readLink: ({ params: { linkId }, body: { secret } }) => {
      const { answer, deviceId } = linkOf(linkId, secret);
      if (answer === undefined) return { state: 'waiting' };
      const account = directory.view(answer.accountId);
      const next = Math.max(...account.devices.map((device) => device.deviceId)) + 1;
      return { state: 'answered', sealed: answer.sealed, account, deviceId: deviceId ?? (next as DeviceId) };
    },
    finishLink: ({ params: { linkId }, body: { device, deviceList } }) => {
      const link = linkOf(linkId, device.secret);
      if (link.answer === undefined) throw new DomainError('conflict', 'nobody has answered');
      const { accountId } = link.answer;
      if (link.deviceId === undefined) directory.addDevice(accountId, device, deviceList);
      link.deviceId = device.deviceId;
      return { accountId, deviceId: device.deviceId, handle: directory.view(accountId).handle, createdAtMs: 0 };
    },
  };
  Object.assign(directory.handlers, handlers);
  return links;
}
