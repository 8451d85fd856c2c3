-- Before Typst sets a document: LaTeX and HTML in it become what Typst knows, and what can't is left out and said with its line.
-- RSPARK_DOCUMENT is the document as its author has it; where it isn't set, lines mean nothing to anybody.

local place = os.getenv 'RSPARK_DOCUMENT'
local name = place and pandoc.path.filename(place) or nil
local lines = {}
if place then
  for line in io.lines(place) do lines[#lines + 1] = line end
end

local seen = {} -- what was said of a piece of text, so that the same piece again is that of a later line
local function say(piece, sentence)
  local first = piece:match '[^\r\n]+' or piece
  local at = seen[first] or 0
  repeat at = at + 1 until at > #lines or lines[at]:find(first, 1, true)
  seen[first] = at
  local where = name and (name .. ': ' .. (at <= #lines and 'line ' .. at .. ': ' or '')) or ''
  io.stderr:write('\n', where, sentence, '\n')
end

local function shown(piece)
  local first = piece:match '[^\r\n]+' or ''
  return utf8.len(first) and utf8.len(first) > 60 and first:sub(1, utf8.offset(first, 61) - 1) .. ' …' or first
end

local BREAKS = { newpage = true, pagebreak = true, clearpage = true, cleardoublepage = true }
local NOTHING = {
  noindent = true, centering = true, hfill = true, label = true, bigskip = true, medskip = true, smallskip = true,
  scriptsize = true, footnotesize = true, small = true, normalsize = true, large = true, Large = true,
}

local function typst(text) return pandoc.RawBlock('typst', text) end

-- Return LaTeX as blocks, or nil where it has what pandoc doesn't read.
local function from_latex(text)
  local fine, read = pcall(pandoc.read, text, 'latex+raw_tex')
  if not fine then return nil end
  local raw = false
  local found = function() raw = true end
  read:walk { RawBlock = found, RawInline = found }
  return not raw and read.blocks or nil
end

local function is_latex(format) return format == 'tex' or format == 'latex' end

local function left_out(piece)
  say(piece, "This LaTeX can't be set here, and is left out: " .. shown(piece))
end

-- Return what a command of LaTeX is for Typst, the empty string where it is nothing, or nil where it is none of these.
local function of_command(text)
  local command = text:match '^%s*\\(%a+)%s*{?[%w:_-]*}?%s*$'
  local space = text:match '^%s*\\vspace%*?{([%d.]+%a%a)}%s*$'
  if space then return '#v(' .. space .. ')' end
  if BREAKS[command] then return '#pagebreak(weak: true)' end
  if command == 'tableofcontents' then return '#outline()' end
  return NOTHING[command] and '' or nil
end

function RawBlock(element)
  local text = element.text
  if is_latex(element.format) then
    local known = of_command(text)
    if known then return typst(known) end
    local blocks = from_latex(text)
    if blocks then return blocks end
    left_out(text)
    return {}
  end
  if element.format:find '^html' then
    return pandoc.read(text, 'html').blocks
  end
end

function RawInline(element)
  if is_latex(element.format) then
    local known = of_command(element.text)
    if known then return pandoc.RawInline('typst', known) end
    local logo = element.text:match '^\\(L?a?TeX)%s*{?}?$'
    if logo then return pandoc.Str(logo) end
    local blocks = from_latex(element.text)
    if blocks then return pandoc.utils.blocks_to_inlines(blocks) end
    left_out(element.text)
    return {}
  end
  if element.format:find '^html' then
    if element.text:find '^<[bB][rR]%s*/?>$' then return pandoc.LineBreak() end
    if element.text:find '^<[iI][mM][gG]%s' then return pandoc.utils.blocks_to_inlines(pandoc.read(element.text, 'html').blocks) end
  end
end

-- Tables and pictures of HTML in the middle of Markdown are many pieces, each a tag.
function Blocks(blocks)
  local made, open, depth = pandoc.List {}, nil, 0
  for _, block in ipairs(blocks) do
    local html = block.t == 'RawBlock' and block.format:find '^html' and block.text
    if not open and html and html:find '<table' and not html:find '</table>' then open = pandoc.List {} end
    if open then
      open:insert(block)
      if html and html:find '</table>' then
        local text = pandoc.write(pandoc.Pandoc(open), 'html')
        made:extend(pandoc.read(text, 'html').blocks)
        open = nil
      end
    else
      made:insert(block)
    end
  end
  if open then made:extend(open) end
  return made
end

local REMARKS = { note = 'Note', tip = 'Tip', warning = 'Warning', caution = 'Caution', important = 'Important' }

-- Remarks of Quarto.
function Div(element)
  for _, class in ipairs(element.classes) do
    local kind = REMARKS[class:match '^callout%-(%a+)$' or '']
    if kind then
      local title = { pandoc.Str(element.attributes.title or kind) }
      local first = element.content[1]
      if first and first.t == 'Header' then
        title = first.content
        element.content:remove(1)
      end
      local begin = typst '#block(stroke: (left: 2pt + luma(120)), fill: luma(248), inset: 8pt, width: 100%)['
      return { begin, pandoc.Para { pandoc.Strong(title) }, pandoc.Div(element.content), typst ']' }
    end
  end
end

local remote = os.getenv 'RSPARK_REMOTE_PICTURES'

-- Pictures of the web are fetched, as pandoc does for other forms: Typst has no web.
function Image(element)
  if not element.src:find '^https?://' then return end
  local fine, kind, content = pcall(pandoc.mediabag.fetch, element.src)
  local ending = fine and kind and (kind:match '^image/(%a+)' or '')
  if not fine or not content or ending == '' then
    say(element.src, 'This picture could not be fetched, and is left out: ' .. element.src)
    return {}
  end
  local file = pandoc.path.join { remote, pandoc.utils.sha1(content) .. '.' .. ending }
  local out = assert(io.open(file, 'wb'))
  out:write(content)
  out:close()
  element.src = file
  return element
end

local targets = {}

function Link(element)
  local target = element.target:match '^#(.+)$'
  if target and not targets[target] then
    say('#' .. target, 'This link leads nowhere, so it is set as text: #' .. target)
    return element.content
  end
end

local function note(element)
  if element.identifier and element.identifier ~= '' then targets[element.identifier] = true end
end

local function text_of(value) return value and pandoc.utils.stringify(value) or nil end

-- What R Markdown and Quarto call otherwise than pandoc's template of Typst.
function Meta(meta)
  local numbered = text_of(meta.numbersections) or text_of(meta['number-sections'])
  if numbered == 'true' and not meta['section-numbering'] then meta['section-numbering'] = '1.1.1' end
  meta.papersize = meta.papersize and text_of(meta.papersize):gsub('paper$', ''):gsub('^letter$', 'us-letter') or 'a4'
  local margin = not meta.margin and (text_of(meta.geometry) or ''):match 'margin=([%d.]+%a+)' or nil
  if margin or not meta.margin then meta.margin = { x = margin or '2.5cm', y = margin or '2.5cm' } end
  if meta.bibliography == nil then meta.citations = nil end
  meta['header-includes'] = nil -- packages of LaTeX
  return meta
end

return {
  { Header = note, Div = note, Span = note, Figure = note, Table = note, CodeBlock = note, Code = note },
  { Meta = Meta },
  { Blocks = Blocks },
  { RawBlock = RawBlock, RawInline = RawInline, Div = Div },
  { Image = Image, Link = Link },
}
