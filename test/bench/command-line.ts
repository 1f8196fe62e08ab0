/** The bench's flags. */
import path from 'node:path'
import { parseArgs } from 'node:util'

export interface Options {
  readonly quick: boolean
  readonly rounds: number
  /** Letters of works; all of them where it is empty. */
  readonly only: readonly string[]
  readonly variants: readonly string[]
  readonly targets: readonly string[] | null
  readonly yWebsocket: boolean
  readonly render: boolean
  readonly write: boolean
  readonly profile: string | null
  /** The folder that gets the page, the plot and the data. */
  readonly out: string
  readonly help: boolean
}

const roundsMax = 20

export const help = `npm run bench -- [flags]

Measures Syncline beside a bare ws relay and Hocuspocus, and writes docs/benchmarks.md (about ten minutes a round).

  --quick           short looks at less, about two minutes; prints, and writes nothing
  --only a,c        these works alone: a crowded room, b many rooms, c joins, d open documents, e cursors, f a stopped reader,
                    g two instances
  --variants 10,480 these sizes of a work alone; prints, and writes nothing
  --targets x,y     of syncline, ws-relay, hocuspocus, y-websocket; prints, and writes nothing
  --rounds N        all of it N times, each round with every server; ratios are taken within a round (default 1)
  --y-websocket     also @y/websocket-server with LevelDB
  --no-write        prints, and writes nothing
  --render          measures nothing, writes the page again from docs/benchmarks.json
  --profile FOLDER  has Syncline write processor profiles there; prints, and writes nothing
  --out FOLDER      for the page, the plot and the data, instead of docs
  --help
`

export function readCommandLine(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      variants: { type: 'string', default: '' },
      targets: { type: 'string' },
      rounds: { type: 'string', default: '1' },
      'y-websocket': { type: 'boolean', default: false },
      'no-write': { type: 'boolean', default: false },
      render: { type: 'boolean', default: false },
      profile: { type: 'string' },
      out: { type: 'string', default: path.resolve(import.meta.dirname, '../../docs') },
      help: { type: 'boolean', default: false },
    },
  })
  const rounds = Number(values.rounds)
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > roundsMax)
    throw new Error(`--rounds takes a whole number from 1 to ${roundsMax}, not ${values.rounds}`)
  const list = (text: string) => text.split(',').filter(word => word !== '')
  const variants = list(values.variants)
  const targets = values.targets === undefined ? null : list(values.targets)
  const isPart = variants.length > 0 || targets !== null || values.profile !== undefined
  return {
    quick: values.quick,
    rounds,
    only: list(values.only),
    variants,
    targets,
    yWebsocket: values['y-websocket'],
    render: values.render,
    write: !values.quick && !values['no-write'] && !isPart,
    profile: values.profile ?? null,
    out: values.out,
    help: values.help,
  }
}
