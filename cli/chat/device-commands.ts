import type { LinkId } from '../../protocol/ids.js';
import type { Device } from '../../sdk/index.js';
import { ChatRefusal } from './chat-refusal.js';
import { printable } from './printable.js';

export const deviceHelp = `  /devices             the devices of your account
  /link CODE           make the device that shows this code one of them (\`heliograph link\` shows one)
  /endlink LINK        take that back, as long as it has not joined
  /unlink N            remove device number N from your account
  /erase HANDLE        erase your account for good, with all its devices; say your own handle`;

export interface DeviceCommandsDependencies {
  readonly device: Device;
  readonly print: (line: string) => void;
}

/** What one types about the devices of one's account, by the command's name. */
export function deviceCommands(
  { device, print }: DeviceCommandsDependencies,
  argument: string | undefined,
): Readonly<Record<string, () => Promise<void>>> {
  return {
    devices: async () => {
      for (const { deviceId, name, lastSeenAtMs, isThis } of await device.devices.list()) {
        const seen = lastSeenAtMs === undefined ? 'never connected' : `connected last ${new Date(lastSeenAtMs).toLocaleString()}`;
        print(`  ${deviceId}  ${printable(name)}, ${isThis ? 'this one' : seen}`);
      }
    },
    link: async () => {
      if (argument === undefined) throw new ChatRefusal('say the code that the other device shows: /link CODE');
      const { checkDigits, linkId } = await device.devices.link(argument);
      print(`  The other device must show ${checkDigits} now. If it does not: /endlink ${linkId}`);
    },
    endlink: async () => {
      if (argument === undefined) throw new ChatRefusal('say which link, as /link told: /endlink LINK');
      await device.devices.cancelLink(argument as LinkId);
      print('  Nobody joins by that code any more.');
    },
    unlink: async () => {
      const found = (await device.devices.list()).find(({ deviceId }) => String(deviceId) === argument);
      if (found === undefined) throw new ChatRefusal('say which device, by its number: /unlink N; /devices lists them');
      await device.devices.unlink(found.deviceId);
      print(`  Device ${found.deviceId} is no device of yours any more.`);
    },
    erase: async () => {
      if (argument !== device.handle) throw new ChatRefusal('this cannot be undone: say your own handle to erase your account, /erase HANDLE');
      const removalId = await device.eraseAccount();
      print('  Your account is erased. Nobody finds it any more; what you said stays with those who have it.');
      print(`  What is left on the server is removed now; /v1/removals/${removalId} tells when that is done.`);
    },
  };
}
