/** 整页的文字：记录了什么、路线、救援、班组代号。 */
export const pagesZhHans = {
  privacyOpen: "本应用记录什么",
  privacyLead: "记什么、发到哪里、不碰什么，都写在这里。",
  privacyChain: "写进条目，上链公开",
  privacyChainWhat:
    "设备号、桶号、类别、分类质量、质量、时间；交接的单位、批次和过磅数。没有姓名、电话和车牌。",
  privacyServer: "只发给服务器，不上链",
  privacyServerWhat:
    "凭证：为什么存疑、手改的质量、仪表读数、纸面单据号、班组代号。链上只有加盐的摘要，凭证可以删除。",
  privacyPhone: "只留在本机",
  privacyPhoneWhat: "设备密钥、照片、名录副本。密钥谁也读不出来；照片不上传，只有导出救援文件时带上。",
  privacyNever: "从不记录",
  privacyNeverWhat: "位置、通讯录、手机号、手机编号。没有签封的相机画面不保存、不上传。",
  privacyWhere:
    "只连接 {origin}；有秤时还连接本机的秤。旧条目从本机删除之前，向运营方指定的区块链节点核对区块，只问区块号。没有统计，没有广告。",

  routeOpen: "还没收的桶",
  routeLeft: "还剩 {left} 桶，共 {total} 桶",
  routeAllDone: "这一类都收完了",
  routePointLeft: "剩 {n} 桶",
  routePointDone: "收完",
  routeNone: "名录里没有这一类的桶。",
  routeHelp: "按本机名录（{date}）和本班流水账计算；别的车收的不算在内。",

  rescueCodes: "用二维码导出",
  rescueCodesHelp:
    "请另一台已登记的手机打开“代传”，对准这里，直到收齐。码里是条目和签封；凭证和照片只在救援文件里。",
  rescueCodesNone: "没有待上传的条目，不用导出。",
  rescueCodeOf: "第 {n} 张，共 {total} 张",
  rescueHold: "停住",
  rescueRun: "继续轮换",
  rescueNext: "下一张",
  rescueRead: "代传",
  rescueReadTitle: "代传流水账",
  rescueReadHint: "对准另一台手机上的救援码",
  rescueGot: "已收 {n} 张，共 {total} 张",
  rescueFileOpen: "选择救援文件",
  rescueHandedIn: "已代传 {n} 条，设备 {device}",
  rescueHandedInHelp: "服务器给了收据。那台设备再联网时会自己对上，不会重复。",
  rescueRefused: "服务器没有收：{why}",
  rescueUnreachable: "没有网络。码已收齐，连上后再传。",
  rescueBroken: "收到的内容不完整，或被改过。请从头再扫。",
  rescueNotFile: "这不是救援文件，或里面没有待上传的条目。",
  rescueAgain: "再代传一台",

  signOn: "班组代号",
  signOnTitle: "共用手机：谁在用？",
  signOnHelp: "填单位发的班组代号，不要写姓名、电话和车牌。它随凭证发给服务器，不上链；收班时自动清除。",
  signOnWrong: "代号是 2 到 8 位字母或数字，不要连写 7 位以上数字",
  signOnSave: "开始本班",
  signOnNow: "班组 {code}",
  signOnDrop: "清除代号",
} as const;
