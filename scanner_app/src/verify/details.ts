/** What a step found, in the reader's language. The checks themselves speak English, as `huanlian verify` does. */
import type { Language } from "./texts.ts";

type Say = (...parts: string[]) => string;

/** Every sentence that a check may say, with its parts; a test holds this list against the checks' source. */
const ZH: readonly (readonly [RegExp, Say])[] = [
  // What passed
  [/^(\d+) bytes$/, (n) => `${n} 字节`],
  [/^chain (\d+), ledger (\w+)$/, (chain, ledger) => `链 ${chain}，总账 ${ledger}`],
  [
    /^receipt (\d+), log (\d+), block (\d+)$/,
    (receipt, log, block) => `区块 ${block}，第 ${receipt} 份回执，第 ${log} 条日志`,
  ],
  [/^device (\w+), seq (\d+)$/, (device, seq) => `设备 ${device}，流水号 ${seq}`],
  [/^head (\w+…)$/, (head) => `链头 ${head}`],
  [/^genesis (\w+…)$/, (genesis) => `创世区块 ${genesis}`],
  [/^(\w{16}), block (\d+)$/, (device, block) => `${device}，区块 ${block}`],
  [/^(\d+) segments$/, (n) => `${n} 个账段`],
  [/^(\d+) entries$/, (n) => `${n} 个条目`],
  [/^(\d+) seals$/, (n) => `${n} 个签封`],
  [/^(\d+) devices$/, (n) => `${n} 台设备`],
  [/^(\d+) registrars$/, (n) => `${n} 位登记员`],
  // The file
  [/^It is larger than (\d+) bytes\.$/, (n) => `文件超过 ${n} 字节。`],
  [/^It cannot be read: (.+)\.$/s, (why) => `文件无法读取：${why}。`],
  [/^The format is not (.+)\.$/, (format) => `格式不是 ${format}。`],
  [
    /^The bytes are not canonical \(RFC 8785, lower-case hex, no unknown or doubled key\)\.$/,
    () => "字节不是规范形式（RFC 8785、小写十六进制、无未知或重复的键）。",
  ],
  [/^The bytes are not canonical, or the digest is another\.$/, () => "字节不是规范形式，或摘要不符。"],
  // The chain and the record
  [
    /^The bundle is of chain (\d+), ledger (\w+)\.$/,
    (chain, ledger) => `证据包属于链 ${chain}、总账 ${ledger}。`,
  ],
  [/^The log is not a segment that the trusted ledger recorded\.$/, () => "日志不是可信总账记录的账段。"],
  [/^The header does not hash to the block's hash\.$/, () => "区块头的哈希与区块哈希不符。"],
  [/^The receipt has (\d+) logs\.$/, (n) => `回执只有 ${n} 条日志。`],
  [/^A node cannot be read: (.+)\.$/, (why) => `证明中的一个节点无法读取：${rlp(why)}。`],
  [/^A node has (\d+) items\.$/, (n) => `证明中的一个节点有 ${n} 项。`],
  [/^A node is not the one that its parent names\.$/, () => "证明中的一个节点不是上级所指的节点。"],
  [/^A node's path is not in its one form\.$/, () => "节点的路径不是唯一规范形式。"],
  [/^Nodes are left over\.$/, () => "证明中有多余的节点。"],
  [/^The path ends in a branch\.$/, () => "路径停在分支上。"],
  [/^The path leads elsewhere\.$/, () => "路径通向别处。"],
  [/^There is another receipt at this place\.$/, () => "这个位置上是另一份回执。"],
  // The entry
  [/^There is not one outcome an entry\.$/, () => "处理结果与条目不是一一对应。"],
  [/^The entry is not in the segment\.$/, () => "账段中没有这个条目。"],
  [/^The entry's words or head are not those in the segment\.$/, () => "条目的内容或链头与账段中的不符。"],
  [/^Another entry was settled\.$/, () => "后来定下结果的是另一个条目。"],
  [/^The entry that was settled had not been deferred\.$/, () => "定下结果的条目此前并未等待。"],
  [
    /^The log does not settle an entry of this segment, or is not the trusted ledger's\.$/,
    () => "日志没有为这一账段的条目定下结果，或不是可信总账的日志。",
  ],
  [/^A segment has nothing to do with the lot\.$/, () => "有一个账段与这个批次无关。"],
  [/^No entry is about the lot\.$/, () => "没有任何条目涉及这个批次。"],
  [
    /^Not all entries from the load to the give of lot (\w+) are here\.$/,
    (lot) => `批次 ${lot} 从装车到交出的条目不全。`,
  ],
  [/^A segment has nothing of this site on this day\.$/, () => "有一个账段与该场所当天无关。"],
  [/^Nothing is of this site on this day\.$/, () => "没有该场所当天的条目。"],
  [/^A block's clock shows no date\.$/, () => "区块时间不是有效日期。"],
  [/^not a positive number of whole words$/, () => "账段不是整数个字。"],
  [/^an entry is cut$/, () => "有条目被截断。"],
  [/^more entries than a segment holds$/, () => "条目数超过账段上限。"],
  // Seals and certificates
  [/^The head that the ledger recorded is another\.$/, () => "总账记录的链头不同。"],
  [
    /^The journal of (\w+) does not begin at its first head\.$/,
    (device) => `设备 ${device} 的日志没有从初始链头开始。`,
  ],
  [
    /^The seal of (\w+) at seq (\d+) does not verify\.$/,
    (device, seq) => `设备 ${device} 在流水号 ${seq} 处的签封不成立。`,
  ],
  [/^A certificate does not enrol device (\w+)\.$/, (device) => `证书没有登记设备 ${device}。`],
  [/^Device (\w+) was enrolled with another key\.$/, (device) => `设备 ${device} 登记时用的是另一把密钥。`],
  [/^A registrar enrolled a device of another organisation\.$/, () => "登记员登记了其他机构的设备。"],
  [
    /^The log does not name a registrar, or is not the trusted registry's\.$/,
    () => "日志没有指定登记员，或不是可信机构登记处的日志。",
  ],
  [
    /^(\w+) with this key is not the registrar that was named\.$/,
    (device) => `使用这把密钥的 ${device} 不是被指定的登记员。`,
  ],
  [/^no root$/, () => "没有根登记员。"],
  // The node
  [/^The node is of chain (\d+)\.$/, (chain) => `节点属于链 ${chain}。`],
  [/^The node's block (\d+) is not the trusted one\.$/, (block) => `节点的区块 ${block} 与信任文件不符。`],
  [/^The code at (\w+) is not the trusted one\.$/, (address) => `${address} 处的合约代码与信任文件不符。`],
  [/^The city's list of ledgers does not have this one\.$/, () => "市里的总账名册中没有这个总账。"],
  [
    /^Block (\d+) of the trusted chain is not (\w+)\.$/,
    (block, hash) => `可信链的区块 ${block} 不是 ${hash}。`,
  ],
];

const RLP_ZH: readonly (readonly [RegExp, Say])[] = [
  [/^cut$/, () => "被截断"],
  [/^(\d+) bytes after the end$/, (n) => `末尾之后还有 ${n} 字节`],
  [/^a byte that needs no length has one$/, () => "单字节带了多余的长度"],
  [/^a length is not in its shortest form$/, () => "长度不是最短形式"],
  [/^a list where bytes belong$/, () => "该是字节的地方是列表"],
  [/^bytes where a list belongs$/, () => "该是列表的地方是字节"],
  [/^a number begins with a zero$/, () => "数字以零开头"],
  [/^nested too deep$/, () => "嵌套过深"],
  [/^a header of (\d+) fields$/, (n) => `区块头有 ${n} 个字段`],
  [/^a receipt of (\d+) fields$/, (n) => `回执有 ${n} 个字段`],
  [/^a log of (\d+) fields$/, (n) => `日志有 ${n} 个字段`],
  [/^a receiptsRoot that is not a hash$/, () => "receiptsRoot 不是哈希"],
];

/** Return a step's detail as the reader's language says it; what it does not know stays as it is. */
export function tellDetail(detail: string, language: Language): string {
  if (language === "en") return detail;
  return said(detail, ZH) ?? said(detail, RLP_ZH) ?? detail;
}

function rlp(why: string): string {
  return said(why, RLP_ZH) ?? why;
}

function said(text: string, sentences: readonly (readonly [RegExp, Say])[]): string | undefined {
  for (const [pattern, say] of sentences) {
    const found = pattern.exec(text);
    if (found !== null) return say(...found.slice(1));
  }
  return undefined;
}
