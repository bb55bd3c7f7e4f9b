// SPDX-License-Identifier: MIT
#include "memory/words.h"

const char *const word_stops =
        "a an the and or but if then else of at by for with about against between into through during before after above "
        "below to from up down in out on off over under again further once here there all any both each few more most other "
        "some such no nor not only own same so than too very s t can will just don should now i me my myself we our ours "
        "ourselves you your yours yourself he him his himself she her hers herself it its itself they them their theirs "
        "themselves this that these those am is are was were be been being have has had having do does did doing would "
        "could ll ve re d m im ive id youre thats its as also us";

const char *const word_asks =
        "what which who whom whose when where why how many much long often kind type did does do is are was were has have "
        "had would could should might can will likely be";

const char *const word_irregulars =
        "be am is are was were been\nhave has had\ndo does did done\ngo goes went gone going\nget got gotten\nmake made\n"
        "take took taken\nsee saw seen\nbuy bought\nbring brought\nthink thought\nfind found\ngive gave given\ntell told\n"
        "feel felt\nbecome became\nleave left\nmean meant\nkeep kept\nbegin began begun\nrun ran\nwrite wrote written\n"
        "sit sat\nstand stood\nlose lost\npay paid\nmeet met\nspeak spoke spoken\nspend spent\ngrow grew grown\nwin won\n"
        "teach taught\ncatch caught\nchoose chose chosen\nfall fell fallen\ndraw drew drawn\ndrive drove driven\n"
        "eat ate eaten\nfly flew flown\nforget forgot forgotten\nhear heard\nhold held\nknow knew known\nlead led\n"
        "ride rode ridden\nsay said\nsell sold\nsend sent\nsing sang sung\nsleep slept\nswim swam swum\nbuild built\n"
        "break broke broken\nwear wore worn\nwake woke woken\nunderstand understood\nthrow threw thrown\n"
        "steal stole stolen\nshake shook shaken\nrise rose risen\nring rang rung\nhide hid hidden\nhang hung\n"
        "fight fought\ndrink drank drunk\ndream dreamt\ndig dug\ndeal dealt\ncome came\nbite bit bitten\nbend bent\n"
        "shoot shot\nshow shown\nshine shone\nseek sought\nlay laid\nlie lay lain\nlight lit\nlearn learnt\nstick stuck\n"
        "strike struck\nsweep swept\ntear tore torn\novercome overcame\nundergo underwent undergone\n"
        "forgive forgave forgiven\nfreeze froze frozen\nblow blew blown\nbake baked\n"
        "child children\nperson people\nman men\nwoman women\nfoot feet\ntooth teeth\nmouse mice\nwife wives\nlife lives\n"
        "knife knives\nleaf leaves\nshelf shelves\nfamily families\n"
        "hit hitting\nput putting\nset setting\ncut cutting\nlet letting\nread reading\nquit quitting\nstart started\n"
        "pet pets";

const char *const word_synonym_groups =
        "kid child son daughter\nmom mother mum parent\ndad father parent\nsibling brother sister\n"
        "wife husband spouse partner marry\ngirlfriend boyfriend partner date relationship\n"
        "pet dog cat puppy kitten pup animal\njob work career profession occupation company\n"
        "school college university degree study education class course\ndoctor hospital medical clinic health\n"
        "vacation trip travel visit holiday getaway\ncountry city place location town state\nmovie film cinema screen\n"
        "book novel read author\nsong music band album concert\ninstrument guitar piano violin drum play\n"
        "sport basketball football soccer tennis team\nexercise gym workout fitness yoga run\n"
        "food meal dish recipe cook eat dinner lunch\ndessert cake cookie pie bake ice cream sweet\n"
        "drink coffee tea wine beer\ncar vehicle drive truck\nhouse home apartment place live\nfriend buddy pal\n"
        "hobby activity interest pastime enjoy\npaint draw art artwork sketch\nphoto picture image photograph camera\n"
        "game play video console tournament\nwin victory champion first trophy award\ngift present receive give\n"
        "money financial fund donate raise charity\nvolunteer charity community help donate\nshop store buy purchase\n"
        "start begin launch open\nfinish complete end\nstop quit\nhappy joy glad\nsad upset lose\n"
        "afraid scare nervous anxious worry\nstress relax calm unwind destress\nlove favorite like enjoy adore prefer\n"
        "goal plan dream aim hope\nadvice suggest recommend tip\n"
        "problem challenge issue struggle difficult obstacle tough\naccident injury hurt crash break\n"
        "church religion faith spiritual\nnature hike trail mountain camp outdoor park forest\nbeach ocean sea surf\n"
        "garden plant flower grow\nwrite story script poem journal screenplay\ndance dancer choreography\n"
        "wedding marry engage ceremony\nbirthday party celebrate celebration\nmilitary army veteran\n"
        "computer laptop software tech program code app\nphone call text\nlearn study practice\nteach teacher mentor class\n"
        "attend go join participate\nadopt get take\nmeet encounter\ninspire motivate encourage\n"
        "decorate decor furniture design\nclothes clothing dress fashion wear outfit\nchild kid\nage old year\n"
        "die pass death lose\nsick ill disease condition allergy allergic\nreason why because\nnear close nearby";
