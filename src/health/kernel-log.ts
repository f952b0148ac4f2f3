/** One message of the kernel. */
export interface KernelLine {
  /** Since the machine started; null where the line does not say. */
  secondsSinceBoot: number | null;
  text: string;
}

export interface XidLine {
  xid: number;
  pciAddress: string | null;
  line: KernelLine;
}

export interface KernelFindings {
  xids: readonly XidLine[];
  /** NVSwitch errors that the driver calls fatal. */
  fatalSxids: readonly { sxid: number }[];
  blockErrors: readonly { device: string }[];
}

/** `[  123.456] text`, some kernels `[  123.456][ T7] text`, and `[  123.456] host kernel: text` of journalctl -o short-monotonic. */
const STAMPED = /^(?:<\d+>)?\[\s*(\d+\.\d+)\](?:\[\s*[TC]\d+\])? (?:\S+ kernel: )?(.*)$/;
/** `NVRM: Xid (PCI:0000:3b:00): 79, pid=...`; old drivers leave `PCI:` out, MIG adds the instance behind the address. */
const XID = /NVRM: Xid \((?:PCI:)?([0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2})(?:\.[0-9a-f])?[^)]*\): (\d+)\b/i;
/** The driver tells of some lost GPUs without an XID. */
const LOST = /NVRM:.*\bfallen off the bus\b/;
const LOST_XID = 79;
const SXID = /nvidia-nvswitch\d+: SXid \((?:PCI:)?[0-9a-f:.]+\): (\d+), Fatal\b/i;
const BLOCK_ERRORS = [
  /(?:I\/O|critical medium|critical target|medium|protection) error, dev (\S+?), sector \d+/i,
  /Buffer I\/O error on dev(?:ice)? (\S+?),/,
  /\bEXT4-fs error \(device (\S+?)\)/,
  /\bXFS \((\S+?)\):.*(?:metadata I\/O error|corruption|shutting down filesystem)/i,
  /\bnvme (nvme\d+): (?:controller is down|Removing after probe failure|Device not ready)/,
];
/** Media that come and go, and files that play disk. */
const NO_DISK = /^(?:loop|fd|sr|zram|ram)\d/;

/** Text of `dmesg` or `journalctl --dmesg -o short-monotonic`; null where no line is the kernel's. */
export function parseKernelLog(text: string): KernelFindings | null {
  const xids: XidLine[] = [];
  const fatalSxids: { sxid: number }[] = [];
  const blockErrors: { device: string }[] = [];
  let stampCount = 0;
  for (const raw of text.split('\n')) {
    const [, stamp, message] = STAMPED.exec(raw) ?? [];
    // A kernel without printk.time stamps nothing.
    const line = { secondsSinceBoot: stamp === undefined ? null : Number(stamp), text: message ?? raw };
    if (stamp !== undefined) stampCount += 1;
    const xid = XID.exec(line.text);
    if (xid !== null) xids.push({ xid: Number(xid[2]), pciAddress: (xid[1] ?? '').toLowerCase(), line });
    else if (LOST.test(line.text)) xids.push({ xid: LOST_XID, pciAddress: null, line });
    const sxid = SXID.exec(line.text);
    if (sxid !== null) fatalSxids.push({ sxid: Number(sxid[1]) });
    const device = blockDevice(line.text);
    if (device !== null) blockErrors.push({ device });
  }
  if (stampCount + xids.length + fatalSxids.length + blockErrors.length === 0) return null;
  return { xids: withoutEchoes(xids), fatalSxids, blockErrors };
}

function blockDevice(text: string): string | null {
  for (const pattern of BLOCK_ERRORS) {
    const device = pattern.exec(text)?.[1];
    if (device !== undefined) return NO_DISK.test(device) ? null : device;
  }
  return null;
}

/** The driver says again, without XID, what it has said with one. */
function withoutEchoes(xids: readonly XidLine[]): XidLine[] {
  const hasLost = xids.some(({ xid, pciAddress }) => xid === LOST_XID && pciAddress !== null);
  return hasLost ? xids.filter(({ pciAddress }) => pciAddress !== null) : [...xids];
}
