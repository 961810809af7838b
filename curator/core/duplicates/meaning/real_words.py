"""English words that are one letter away from another one: contract and contact, trail and trial.

Where two of these stand for each other neither is a slip of the pen. Made of the words of one token of the
vocabulary cl100k_base (tiktoken, MIT) that are also in a word list in the public domain (Webster 1934, GCIDE).
"""

from __future__ import annotations

REAL_WORDS = frozenset(
    """
abide ability able aboard abound about abroad abusing accents accepts accused accuses ache achieved achieves
acids acknowledged acknowledges acne acre acres across action actions activated activates activism activist
actor actors acts actual acute adapted adapter adapting adaptor added addiction adding addition adds adopted
adopting advanced advances adventure adventurer adventurers adventures advertise advertised advertiser advise
advised adviser advisers advises advisor advisors advisory advocated advocates affiliated affiliates afore again
aged ageing agent ages aggregated aggregates agility aging agon agony agre agree agreed ahead aide aided aider
aids aims aired airing airs airy alas album algum alias alien align alike alist alive alleged alleges alleles
aller alley allot alloy ally alone along aloud alter alteration altercation altitude alum ambitions ambitious
amen amend amid amidst amis among amor amort amount amounted amounts ample amps amusing analyse analysed
analyses analysis analyst analysts analyze analyzed analyzer analyzes anda angel angels anger angle angled
angles announced announces anon anti antic antics antis ants anus apar apart appealed appealing appeals appeared
appearing appears approved approves arch archived archives area areas arena arenas argent arise arisen arises
arising arist armed armor arms arose around arrived arrives arrow article articles artisan artist artistic arts
ascent aside asked asking asks asleep assemble assembled assembler assembly assert asserted asserts asses asset
assets associated associates assorted assumed assumes assured assures aster asteroid asteroids asymmetric
asynchronous atlas atmos atoms attached attaches attaching attacked attacker attacking attitude attributed
attributes auction auctions audition auditor auditory aunt aute autistic automat automate avail aval avenue
avenues aver averaged averages avid avoid await awaited awaiting awaits awake award awards aware awful awhile
axis bach back backed backers backing backs bacon bacteria bacterial bail bake baked baker bakery baking
balanced balances ballot banc banco band banda bande bands banging bank banker bankers banking banks banners
banning bans bard barely barley barn bars based basics basil basis bass bast batch batching bath bathing baths
bats batter battery batting battled battles battling beach beacon bead beads beans beard bearing bears beast
beasts beat beaten beating beats beau beaut beauty bedding beds bedside been beers bees behaved behaves being
belie belief believe believed believer believers believes bell belle belly below belts bend bending bends bene
bers beside best beta bets betting biased bidding bids bill bind binding binds bins birds black blacks bladder
blame blaming blanc blanco bland blank blanks blas blast blasted blasting blasts blat blazing bleach bleak
bleeding blend blended blender blending blends bless blind blinded blinds blink blinked blinking bloc block
blocked blocker blocking blocks blood bloody bloom blot blow blows bluff blush board boast boasted boasting
boasts boat boats boiling boils bolster bolt bolts bond bonded bonding bonds bone bones bons bonus booking boom
booming boost boosted booster boosting boosts boot booth booths boots booty bord border bordered borders bore
bored boring born borne borrowed borrower both bother bothers bots bottled bottles bought bounce bounced
bouncing bound bounded bounding bounds bout bouts bowed bowel bowl bowling bowls bows brace braces bracket brain
brains brake braking bran branch brand brands bras brass brave breach breached bread breadth breaking breast
breasts breath breathe breathed bred bree breed breeding breve brewed brewers brewery bride brides bridge
bridges brig bright brightly brill bring bringing brings brisk broad broke broker broth brother brothers brought
brows browse browser brunch brush brushed brushes brushing brut brute budding buff bulk bulky bull bully bunch
bund bundled bundles burn burnt burst bush bust busted busy butter buys cable cache cached caching cade cadre
cages calculated calculates caller calling calm calming calves came camel cameo camp campo campos camps campus
cams cand candy cane cannon canoe canon cans cant canyon cape capitalism capitalist caps caption captured
captures caracter cards care cared cares caret caring carp carpet carr carried carrier carry cars cart carte
cartel carts carve carved carving case cases cash casing cass cast caste caster casting castle casts casual
casually casualty catch catching catchy cate cater cats causal cause causes causing caution caval cave caves
cease ceased celebrated celebrates cent center centered centers certain certainly certains certainty cess chai
chain chained chair chaired chairs challenge challenged challenger challenges cham champ champs chances chang
change changed changer changes changing chant chanting chants chap chapter char character charge charged charger
charges charging charity charm charming charms chars chart charter charts chase chasing chat chats chatter
chatting cheap cheat cheated cheating cheats check checked checker cheeks cheers chees cheese cheesy chef chefs
chess chests chic chick chief chiefs chill chilly chin china chips chloride chlorine choke choking choose
chooser chooses chopped chops chord chords chore chores chose choses chubby chuck chute claim clam clamp clan
clang clans clap clarify clarity clash clashed class classes classified classifier classy clause clauses clave
claws clean cleaned cleaner cleaning cleanly cleans cleanse cleansing clear cleared clearer clearing clearly
clever click clicked clicking climb climbs cling clips clock clocks clone clones cloning close closer closes
closet closets closing clot cloth cloud cloudy cloves clues cluster clutter coached coaching coal coast coaster
coat coating coats coco cocoa code coder coff coil coils coins coke cola cold colder coli collage collapsed
collapses college collide collided collider collision collusion colon colony cols coma comb combined combines
combo come comed comedy comer comet comfort comfortable comfortably comic comma command commanded commander
commence commenced commend comment commented commenter commerce commissioned commissioner committed committee
commune communicated communicates communism communist commute commuter commuters commuting compact compare
compared comparer compares compart compete competed competence competency competing compile compiled compiler
complain complains complaint complaints complement complete completed completes completing completion complexion
compliant compliment comport compos compose composed composer compost comprised comprises compromised
compromises compute computed computer computers computes computing concent concentrated concentrates concept
concepts concern concerned concerns concert concerted concerts concession concluded concludes concussion cond
conditioned conditioner condo conduct conduit cone cones confession confined confines confirm confirms conform
conforms congest conject connect cons consent considerable considerably constituted constitutes constrain
constraint consul consult consume consumed consumer consumers consumes contact contacted contacting contacts
contained container conte content contention contents contest contests context contexts contiguous continent
conting contingent continued continues continuous contract contracted contracting contracts contrast contrasting
contrasts contributed contributes convened convent convention converge converged converse convert converted
converter converts conveyed cooking cooling coop coordinated coordinates cope coping cops copying coral cord
cords core cores corn corp corps corpse corpus correlated correlates cors cosmic cost costa costing could count
counted counter counting country county coup coupe couple coupled couples course courses court cover covered
covers covert coveted crack cracked cracks craft cram cran crane crank crap crash crashed crashing crate crater
crates crave craving craw crawl crawled crawler crea cream creams creamy creat create created creates creating
cree creek creep creepy crest crew crews crises crisp crispy crop cropped crops crore cross crossed crosses
crowded crowned crude cruise cruiser crunch crunchy crus crush crushed crusher crushing crust cubes cuck cues
cultured cultures cure cured curl curled curls curly curr curry curs curse cursed curses curt curtain curtains
curve curved cush cute cutter dados dads dairy damaged damages damning damping dance dancer dancers dances
danger dangers dank daring darling dawn dead deal deals dealt dearly debated debates debit debt debut debuted
decad decade decades decals deceased decent decided decides deciding decking declared declares decline declined
declines decoded decoding decreased decreases dedicate deer defeats defect defective defects defended defender
defending defends defer defined defines deflect dele delegated delegates deleted deletes deletion delicate
delimited delimiter deline deliver delivers delivery dell delve demons demonstrated demonstrates demos dens
dense departed depended dependence dependency depending depends depleted depletion deport deported depot
deprivation deprived derivation derive derived derives deriving descend descent described describes desert
deserted deserved deserves designed designer desired desires desks dess dessa dessert destroyed destroyer
detailed detained detection detective detects detention deter detergent determined determines deterrent
developed developer devil diagnosed diagnoses diagnosis diary diced dich dictated dictates didnt died dies diets
difficult difficulty dine diner dinero ding dinner dint diploma diplomat dipping director directors directory
dirt dirty disabled disables disagreed disagrees discard disciplined disciplines discord discover discovers
discovery discreet discrete discs disks disliked dislikes dispatched dispatcher displaced displayed disputed
disputes diss dissect dissent dissert distract distributed distributes district ditch dive diver divers diverse
divert dives divide divided dividend divider divides diving docking docks docs does doing doit dolor dominated
dominates done dong donor donors door doors doping dors dose doses doubled doubles doubt doubted dout dove down
downs draft drafted drafting drain draining drains dram drama drank drawn dread dreaded dream dreamed dress
dressed dresser dried drift drifted drifting dripping drive driver drivers drives driving droit drone dropping
drove drown drugs drunk drying dudes dues dumping dunk duplicated duplicates dust dusty duty dwell dying each
early earn earned earners earning earnings earns earrings ears ease eased easing east eaten eater eating eats
eclipse edge editing egret eight eighth eighty eing either eject ejected elect elected election elections
elective electron electrons eliminated eliminates elite elle ellipse email emailed emailing emails embar embark
ember embraced embraces emerge emerged emergence emergency emerges emerging emission emissions emotion emotions
emphasized emphasizes employed employee employees employer employers empt empty enabled enables enchant
encouraged encourages ended ending ends endured enduring engaged engages enhanced enhances enorm enraged ense
ensued ensuing ensured ensures ensuring enter entered enters enthusiasm enthusiast entirely entirety enumerator
envelop envelope envoy envy equality erase erased erect erected erection eros erotic erotica error escape
escaped escapes especial especially estate estates estimated estimates eternal ether ethic ethnic evacuate
evacuated evacuation evaluate evaluated evaluates evaluation even event events ever every evil evoke evolution
evolved evolves evolving examine examined examiner examines except excerpt exchanged exchanges excited exciting
excluded excludes executed executes exercised exercises exert exist existed existing exists exit exited exiting
exits expanded expansive expects expended expensive experienced experiences expert experts expired expires
explode exploded explodes exploding explore explored explorer explores exploring exported exporter exports
exposed exposes extended extends extensive extents external extremism extremist eyed face faces facet facets
facilitated facilitates fact faction factions factor factors factory facts factual faculty fail failed failing
fails faint fair fairly fairy fake faker falling fame famed familia familial familiar fant fantast fantasy fare
farming farms farther fascism fascist fast faster father fathers fats faucet fault faulty favor favored favors
fears feast feat feather feathers feats featured features feed feeding feeds feeling feels fees fellows felon
felony feminism feminist fest fever fiance fibre fiction field fight fights figured figures filed filing fill
fille filler filling film filmed filming films filmy fils final finale finance financed finances finder finding
finds fine finer finger fins fire firearm fired first fist fists fits flair flakes flame flaming flare flash
flashed flashing flashy flat flats flavor flavored flavors flaws fled flee fleeing fleet fleeting flick flight
flights flips float floats flock flood flooding floods flooring flora floral flour flower flowering flowers
flows fluor flurry flush flushed flushing flying foes folder folds followed follower follows fond font fonts
food foods fora force forces forcing fore forearm fores forest forge forget forging forks form forme former
forming forms fors fort forte forth forts forty forum forums fought found founded founder founding four fours
fraction fractions fractured fractures frail frame framed framing frank freed freeing frees freeze freezer
freezes freezing freight fresh friction fried friend fright from front fronts fruit fruity full fully fund
funded funding funk funky furry further fury fused fuzz fuzzy gain gains garage garbage gate gated gave gearing
gears gene genera general generated generates generic generics genes genetic genetics genie genius genome genre
genres gens gent genus gest gets ghost ghosts gifs gifts gilt ging give giver glad glance gland glands glaring
glean glitter glob globe glor glory gloss glossy glove gloves glowing gnome goats gode gods goed going goods
goof goofy gore gorge gown grabs grace graceful grad grade grading grads graduated graduates graft grain grains
grams grand grands grant granted gras grasp grat grate grated grateful grave gravel gravy gray grazing great
greed greedy grid grids grill grille grin grind gripping grips gris groin groom groot gros ground grounded
grounding grounds growing grown grows guaranteed guarantees guess guest guests guilt guilty gust gusto guts
gutter hack hade hair haired hairs hairy halfway hall hallway halt halted hand handed handing handle handled
handler handlers handles handling hands handy hanging hans hard hardness hare harm harmed harming harms harness
harsh hart hash haste hatch hate hated hath hatred hats haunt haunted haunting have haven having head headers
heading headings healing health healthy heap hear hearing hearings hears heart hearts hearty heat heated heater
heaters heating heats heaven heck hedge heel heels height heir heirs hele hell hello hence herbs here hereby
herein heroin heroine hers high highs hill hinter hints hips hired hist hitch hits holder holds hole holes home
homeless homer homers homes hone honest honestly honesty honey hook hoops hopeless hops horn horny horrible
horribly horse horses hose hoses host hostel hosts hotel hours house houses hover hubby hugs human humane
humidity humility hunt hunted hunting hurting hypotheses hypothesis icons idea ideal ideals ideas identified
identifier identify identity ignored ignores illustrated illustrates image imagine imaging imitation immoral
immortal immunity imply imported importer imposed imposes improved improves impunity incentive inch included
includes incorporated incorporates increased increases incredible incredibly inde indeed index indexed indexer
indic indicated indicates indices indict indicted induced induces inert inevitable inevitably infected infection
infections infectious inferior infinite infinity inflate inflated inflater influenced influencers influences
inhabit inhabited inhibit inhibited initialized initializes injected injection injections injured inner inning
innings inquire inquiry insect insects insert inserted inserts inset insets inside insider inspect inspired
inspires installed installer instituted institutes insure insured insurer integrated integrates intends
intention intentions intents inter interior internal internals interns interpreted interpreter inters interval
intervals interviewed interviewer introduced introduces invented invention inventions inventive inventor
inventory invert inverted invested investigated investigates investor invited invites invoked invokes involved
involves ions iron irony irrigation irritation issue issuer issues itch itching iter jealous jealousy jeopard
jeopardy jest jets join joins joint joints journalism journalist jours junto just justo keyed kids kill killed
kills kinds knight knights lace lack lacking lacks ladder lain lakes lame lamin lamp lamps lance land landing
lands lane lanes laps lapse lash last lasted lasting lasts late laten latent later lateral latex latitude
laughter launch launched launcher lawful laws lawyer lawyers layer layers laying lays lead leaders leading leads
leak leaking lean leaned leaning leans leaps lear learn learned learner learners learning learns learnt lease
leased leash leasing least leaving lecture lecturer lectures ledge ledger leds leer lend lender lenders lending
lends length lengths lengthy lens lesions less lessons lest lets lever liberal liberals license licensed
licensee licenses lick licked licking lied lief lien lies life lifes lifting light lighten lighter lighting
lightly lightning lights ligne like liked likelihood liken likes liking limb limbs lime limitation line linea
lineage linear lined linen liner liners lines ling linger lining link linkage linked linker linking lion lions
lips lire list listened listener listing lite liter literacy literal literals literary litter live lived
livelihood liver lives livre loaders loading local locale lock locked locker locking locks lodging loft lofty
logging login logos logs loin lone long longing looking looks looming looping loops loos loose lords lors lose
loser losers loses losing loss losses lost lots loud love lover lovers loves lower lowering lowers lows luck
lucky lumber lump lunch lush lying mage maid mail mailed mailing mails main mains maint maize make maker makers
makes making male malign mall mana manage managed manager managers manages mandated mandates mane mang manga
mange mango manifest manifesto manifests mano manos mans mant manufacture manufactured manufacturer manufactures
manus maple maps marc march marched marching marital marker markers marketed marketer markets marking marks
marrow marry mars marsh mart martial mary masa mash mashed masked masking masks mass massa massage massages
masse masses mast master mastered masters mastery match matched matcher matching mate mater material maternal
math maths mats matte matter mattered matters maze meal meals mean meaning means meant measured measures meat
meats medal medals media medial mediation medical medication medio meditation meeting meio mell melting member
memoria memorial mend mening mens mental menus mere merge merged merger merges merging mess message messages
messing messy meta metal metals meteor meter metic metric microscope microscopy midst might mighty mile miles
minced minded minds mine mined miner miners mines mins mint minus mise miser misery missing mission missions
mist mistaken mistakes mocker mockery mode model models modem modes modest modules modulus moist mold molds
monarch monarchy money mong monkey mono month moon moral morale morality morally mort mortal mortality most mote
motel moth mother mothers motion motions mould mound mount mounted mounts mouse mouth move mover movers
moves movie movies much multiple multiply munch mund murdered murderer muse muttered mystery nada naive narrow
narrowed narrower nast nasty nationalism nationalist nations native naval nave nearly need needy neither ness
nest nested nestled nests nets neural neuron neutral neutron never nice niche niece night nights node noise
noises nome nonce none nons norm norms nors nose noses nostalgia nostalgic notable notably nothing noticeable
noticeably noticed notices notified notifier noting notions nouns nous nuanced nuances nuclear numerator numeros
numerous oats observe observed observer observers observes odor offended offender office officer officers
offices often oils older olds olive omission once onde ones onto opens operated operates opposed opposes optical
optimal option options opts oral orally orang orange oranges order ordered orders ores organise organism
organize organized organizer originated originates other others ought ounce ours ourselves ousted outage outer
outing outlined outlines outrage outs outside outsider oven over overlap overlaps overlay overlays overly
overnight overs overseas oversees oversight overt owed owes owing owned owning owns ozone paar pace paced pacing
packaged packages packed packets packing padded padding padre paed page pager pages paging pain pains paint
painted painter painters painting paints pair paired pairing pairs pais palace palate palms pals pand panda pane
panel pans pant pants para param params paranoia paranoid paras parch pare pared paren parent parentheses
parenthesis parents pari paris parish parity park parked parking parks pars parse parsed parser parsers parses
parsing part parted participated participates particle particles partisan partly parts party pass passe passer
passes passing past pasta paste pasture patch patched patent patents path patient patients patrols patrons paved
pawn payable payer paying pays peace peach peak peaks pear pearl peas peasant peer peers penchant pend pending
pens pent percent percept performed performer peri peril perks perm perms pers perse person persona personal
personals personas persons pest pests peter petit petite pets petty phase phases phenomena phenomenal philosoph
philosophy phon phone phot photo photograph photographed photographer photographs photography photons photos
phrase phrases pian piano pick picking picks pics pictured pictures pied pien pies piled piles pill pills pilot
pilots pinch pine pins pint pipes pist pitch pitched pitcher pitching pits place placed placer placing plage
plague plain plains plaint plan plane planes planet planets plank plans plant planta planted plants plat plate
plated play playa playable player players playing plays plead pleaded pleading pleas pleasant please pleased
pleasing pled pledge pledged pledges plight plot plots plugged plugs plumber plunged plus plush pockets pods
poets poil point pointed pointer pointers pointing poised poke poker polling polo pond ponds pont ponto pool
pooling pops populace populate pores port porta portal portion portions ports pose posed posing posit poss
possible possibly post posted posting posts posture potion potions pots pound pounds pours powder powdered power
powered practiced practices praise praised praises praising prank prat pray prayed prayer prayers praying preach
preached preacher preaching precious precis precise predator predators predatory prefer preferable preferably
preference preferences prefers premier premiere premise premises preorder prepared prepares present presented
presenter presenting presents preservation preserve preserved preserves preset presets presidency president
presidente presidential presidents pressured pressures prest presume presumed pretty prevent prevented
preventing prevents preview previews previous price prices prick pride priest prim prima primal prime primer
primero prince princes print printed printer printers printing prism privileged privileges prob probable
probably probe probes probing probs process procession processor processors produce produced producer producers
produces product products prof profess profession professor professors profile profiler profiles project
projected projecting projection projections projector projects promise promised promises promote promoted
promoter promoters promotes promoting prompted prompting pronto proof proofs proper properly property proposed
proposes props pros prose prosper protect protected protecting protection protections protector protects protest
protested protester protesters protesting protestors protests proto provide provided provider providers provides
proving prowess prune psych psyche published publisher pudding pulling puls pulse pumps punct punt punto pups
purchase purchased purchaser purchasers purchases pure purge purs purse pursue push puzzled puzzles quad quaint
qualified qualifier qualify quality quant quantify quantity quar quart quartz quat quiet quilt quint quis quit
quite quits quot quota quote race raced racer races racing rack racked racket racks radial radians radiant
radical raft rage raging raid raided raids rail railing rails rain raining rains rainy rais raise raised raises
raising rake rally ramps ranch rand rang range ranger ranges ranging rank ranking rant rapid rapper rash rasp
raster rate rated rates rational rationale rats rave rays reach reached reaching react reacted reacting reacts
read readers ready real realized realizes really realm reap reason reasonable reasonably rebel rebels rebuild
rebuilt recap receipt receive received receiver receivers receives recept reck reckon recognize recognized
recognizer recognizes recommand recommend recon recorded recorder recourse recover recovery recreated recruited
recruiter rect rects recurs recurse reduce reduced reducer reducers reduces reefs reel reels refer reference
referenced references refers refs refuge refugee refuse refused refuses regained regarded regarding regards
regimen regiment regimes regress regression regret regrets regulated regulates regulator regulators regulatory
reign rein reinforced reinforces reject rejected related relates relating relaxed relaxing relay released
releases reliable reliably religions religious rely remainder remained remaining remains remarkable remarkably
reminded reminder remove removed remover removes renal rend rendered renderer renders rental renters renting
reorder repaint repay repealed repeated replaced replaces replay reply reported reporter reports repression
reprint reps requested requester required requires researched researcher resembled resembles resent reservation
reserve reserved reserves reset resets resh reside residence residency resident residential residents resides
residing residue residues resign resin resizing resolution resolutions resolve resolved resolver resolves
resolving resorts resp responded responder responsible responsibly rest resting restored restores restrain
restraint rests resume resumed resumes retained retaining retains retreated retrieved retrieves reuse reused
reve reveal revealed revel revenge revenue rever revered reverence revers reverse reversed revert reverted
review reviewed reviewer reviews revised revived revoke revolution revolutions revolver revolves revolving
rewarded rewarding rewards rice rich richt ride rider riders rides ridge ries rift right rightly rigs ring
ringing rings rinse ripping rise risen rises rising risk risking risky rites river rivers road roads roaming
roaring robber robbery robe robes robot robots rock rocky rods rogue roll rolling rolls rond roof roofing roofs
room root rooting roots rope rose rotated rotates rouge rough round rounded rounding rounds rout route router
routers routes routine routing rover rows rude rugs ruining ruins rule ruler rulers rules runaway rune running
runs runway rush rushed rushing rust rusty ruth sabe saber sack sacked sacks sacred sacrificed sacrifices sage
sailing sails saint sais sake sale sales salmon salon salt salty salvage same samen samp sample sampled sampler
samples sanct sand sandals sands sandy sang sans sant sare satin savage save saved saver saving saying says
scala scalar scale scaler scales scaling scam scams scan scandals scanning scans scant scape scar scarce scare
scared scares scarf scars scary scattered scent scheduled schedules schemas schemes scient scoff scoop scooter
scope score scorer scores scoring scorn scour scouting scram scrap scrape scraped scraper scrapped scrapy
scratched scratches scream screamed screaming screams screw screws seal sealing seals seam seams searched
searcher seas seat seating seats secre secret secs section secular secure seed seeding seeds seeing seek seeking
seeks seeming seems seen sees seine seiner seize seized seizing sele select selected selection selections
selective self sell selling sells semen seminal seminar send sender sending sends seniors sens sense sensing
sensor sensors sensory sent sentenced sentences sentient sentiment separated separates sept sera serta serve
server servers serves serviced services sets setters setting settled settlers settles settling seven seventh
seventy sever severe sewing shack shade shader shaders shades shading shake shaking shale shall shallow shalt
shame shaping shard share shared sharing sharpen sharper shattered shave shaved shaving shear shed sheer shelf
shell shells sher shift shimmer shin shine shiny shipped shipping ships shock shocked shocking shocks shoe shoes
shook shoot shooter shooting shoots shopping shops shore shores short shorten shorter shorts shot shots shout
shouting shouts shove shovel showcased showcases showdown showing shred shrine shut shuts shutter sick side
sidelined sidelines sider sides siding sift sigh sight sigma sign signer signing signs silicon silicone silk
silky sill silly simmer simple simpler simples simplex simply simulate simulated simulation since sine sing
singer singers singing singled singles sings sinking sinks sins sinus sist site sites sits sitting size sized
sizing skating skill skilled skillet skills skins skipping slack slag slain slander slang slash slashed slashing
slate slaughter slee sleek sleep sleeping sleepy slender slept slice slicing slick slid slide slider sliders
slides sliding slight slightly slime sling slipped slipping slips slit slots slowdown slowing slows slump smack
small smart smarty smash smashed smashing smell smelled smelling smells smile smiles smiling smoke smoker
smoothed smoother smoothing snack snacks snag snake snapping sneakers snow snowy snug soaking soar soaring
socialism socialist sock socks soften soil soils sola solar sold solder soldier sole solid solve solver sond
songs sons soon soothing sore sort sorter sorting sorts sought souls sound sour sourced sources sous space
spaced spacer spacing span spanking spanning spans spar spare spared sparing spark sparked sparking sparkling
sparks sparse spas spawn spawning spawns speak speakers speaks spear special specialized specializes specially
specialty specs spectra spectral specular sped speed speeding speeds speedy spell spelled spelling spells spend
spender spending spends spent sperm sperma spice spider spiders spill spilled spills spin spine spinning spins
spit spite splash splice spline split spoil spoiled spoiler spoke spoon spor sport sporting sports spot spots
spotting spray sprayed spraying spring springs sprint sprite squad squared squares squat stable stack stacked
stacking stacks staffing stag stage stagger staging stain stained stains stair stairs stake stakes stale stalk
stalking stall stamp stand stands stap staple star stare stared staring stark starred starring stars start
started starter starting startled startling starts starving state stated states stating stats statue statues
stature status statute statutes stay staying stays stead steady steak steal stealing steals steam steep stem
step stepped stepper stepping stere stereo sterling stern steroid steroids stick sticker sticking sticks sticky
stigma still stimulate stimulated stimulates stimulation sting stint stir stirring stitched stitching stock
stocked stocking stocks stole stone stones stool stools stopped stopping stops store stored storing stormed
stout strain strained strains strand strands strang strange stranger strap strapped straps stray stre streak
stream streamed streaming streams street stret strides strike striker strikes striking string strings strip
stripe striped stripes stripped stripper strips strives striving strokes stroll struck structured structures
struggled struggles stuck stud study stuff stuffing stumble stun stunt sturdy stutter stylish stylist subscribe
subscribed subscriber substituted substitutes suck suction sued suede suff suing suit suite suites suits summar
summarized summarizes summary sung sunset sunt super superb supper supported supporter sure surfaced surfaces
surge surged surprised surprises survived survives suspicions suspicious swagger swallow swamp swap swapping
swarm swear swearing sweat sweating sweaty sweeping swell swelling swept swift swing swinger swingers swinging
swings swipe swiper switch switched switching sword swords swore sworn swung symmetric synchronous table tables
tablet tablets tack tackled tackles tact tail tails take takes taking tale tales talk talking tall taller tally
tamp tangled tank tanks tape taper tapping taps tarea tart tasked tasks tasted tasting taxis teach teacher
teachers teaches teal team teams tearing tears teas tease teased teaser teasing tech teen teens temp tempo tempt
tend tended tends tens tense tent tenth tents term terminated terminates tern terrible terribly terror terrorism
terrorist test teste tester testing tether texting textured textures than thank thanking thanks that thats theat
theater theaters thee their theirs them theme there thereby therein therm thermo these theta thick thigh thighs
thin thing think thinker thinking thinner thirst thirsty thirty thorough those though thought thous thread
threads threat threats three thrilled thriller thro through throughout throughput throw thrust thugs thus tick
ticker ticking ticks tide tied tier tiers ties tiger tile tiled tiles till tilted timber time timed timer timers
times ting tink tint tipping tips tire tired tires tissue tissues title titled titles titre toasted toaster toes
toll tone tones tons tool tools topical topped topping tops tore torment torrent tors torso tort tough tourism
tourist tours tous tout towing towns trace traced tracer traces tracing track tracked tracker tracking tracks
tract trade trader traders trades trading traged tragedy trail trailed trailer trailers trailing trails train
trained trainer trainers training trains trance transformed transformer transit translated translates transmit
transported transporter trap trapped trapping traps tras trash traveled traveler travelled traveller tray trays
tread treason treasure treasurer treasures treasury treat treats treaty tree trend trends trial trials tribal
trick tricks tricky tried trip triple triples triplet trips trivia trivial troll trolling trolls trope tropical
trot troubled troubles trough trout truck trust trusted trustee truth trying tumble tune tuned tuner tuning turb
turbo turned turning tweak twee tween tweet twin twink twins twitch tying typical typing unclear unde under
underline undermine undermined undermines unders undes undue unfit unit unite unity unloaded unset unto updated
updates upgraded upgrades uploaded upper urge urged usage used user users uses usher using usted utilized
utilizes utter uttered vagina vaginal vale validated validates valley valuation value valve veil vending vent
vents ventured ventures venue venues verst vert verts very vest vests vets vice vier vill villa villagers
villages ville violated violates violent violet viper visa visas visible visibly visit visita visite vista
vistas vita vital voice void volcan volcano vote voter voters votes vowed wage waged wager wages wagon waist
wait waited waiter waiting waits waive waived waiver wake waking walking wandered wandering wanting wants ward
wards ware warm warmed warming warning warns warp warrant warrants warranty wars wary washing wast waste wasting
watched watcher water wave waved waving weak wealth wealthy wear wearing wears weary weave weaving wedding wedge
weigh weighed weighing weighs weight weighted weighting weights weird welcomed welcomes weld welding well were
west what whats wheat wheel wheels whence whenever where whereby wherein wherever which while whipping whisk
whisky whit white whole wholes whopping whose wich wicht widow width wield wielding wild wind winding window
winds windy wing winger wings wink winner winners winning winnings wins winter winters wipe wird wishing witch
with withheld withhold woes wondered wondering word wording words wore working world worlds worn worse worth
worthy woven wrap wrapped wrapper wreak wreck wrest wrist writ write writer writers writes writing yearly years
yeast yours yourselves zeros zone zones
    """.split()  # noqa: SIM905 - a list of words is read more easily in lines
)
