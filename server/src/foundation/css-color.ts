/**
 * Which texts are a CSS colour. Clients put a user's colour into styles of everybody's page, so nothing may be in it with
 * which a declaration, an attribute or a URL could begin.
 */
const hexColor = /^#(?:[\da-f]{3,4}|[\da-f]{6}|[\da-f]{8})$/i
const number = String.raw`[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:%|deg|rad|grad|turn)?`
/** With commas, as in `rgb(0, 128, 0)`, or with spaces, as in `hsl(120deg 100% 25% / 50%)`. */
const colorFunction = new RegExp(
  String.raw`^(?:rgb|hsl)a?\( *${number}(?:(?: *, *${number}){2,3}|(?: +${number}){2}(?: */ *${number})?) *\)$`,
  'i',
)
const lengthMax = 64

/** `#rgb`, `#rgba`, `#rrggbb`, `#rrggbbaa`, a name of CSS Color 4, or `rgb()`, `rgba()`, `hsl()`, `hsla()` of numbers. */
export function isCssColor(text: string): boolean {
  if (text.length > lengthMax) return false
  return hexColor.test(text) || colorFunction.test(text) || namedColors.has(text.toLowerCase())
}

const namedColors: ReadonlySet<string> = new Set(
  `aliceblue antiquewhite aqua aquamarine azure beige bisque black blanchedalmond blue blueviolet brown burlywood cadetblue
  chartreuse chocolate coral cornflowerblue cornsilk crimson cyan darkblue darkcyan darkgoldenrod darkgray darkgreen darkgrey
  darkkhaki darkmagenta darkolivegreen darkorange darkorchid darkred darksalmon darkseagreen darkslateblue darkslategray
  darkslategrey darkturquoise darkviolet deeppink deepskyblue dimgray dimgrey dodgerblue firebrick floralwhite forestgreen
  fuchsia gainsboro ghostwhite gold goldenrod gray green greenyellow grey honeydew hotpink indianred indigo ivory khaki
  lavender lavenderblush lawngreen lemonchiffon lightblue lightcoral lightcyan lightgoldenrodyellow lightgray lightgreen
  lightgrey lightpink lightsalmon lightseagreen lightskyblue lightslategray lightslategrey lightsteelblue lightyellow lime
  limegreen linen magenta maroon mediumaquamarine mediumblue mediumorchid mediumpurple mediumseagreen mediumslateblue
  mediumspringgreen mediumturquoise mediumvioletred midnightblue mintcream mistyrose moccasin navajowhite navy oldlace olive
  olivedrab orange orangered orchid palegoldenrod palegreen paleturquoise palevioletred papayawhip peachpuff peru pink plum
  powderblue purple rebeccapurple red rosybrown royalblue saddlebrown salmon sandybrown seagreen seashell sienna silver
  skyblue slateblue slategray slategrey snow springgreen steelblue tan teal thistle tomato transparent turquoise violet wheat
  white whitesmoke yellow yellowgreen`.split(/\s+/),
)
